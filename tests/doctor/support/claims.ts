import { describe, type FindingId } from "../../../tools/doctor/findings/mod.ts";
import type { Fact } from "../../../tools/doctor/judge/known.ts";

/**
 * What a finding says does not work, read from its own sentence, and by its area where that says
 * the same of all. It knows nothing of the rules that it is held against.
 */
export function claims(id: FindingId): Fact[] {
  const { area, severity } = describe(id);
  if (id in OWN) return OWN[id]!;
  if (severity === "warning") return [];
  switch (area) {
    case "name":
      return ["front_answers"];
    case "upgrade":
      return ["socket_opens"];
    case "tenant":
      return ["realtime_opens"];
    default:
      return [];
  }
}

const OWN: Partial<Record<FindingId, Fact[]>> = {
  // "is cut while it is idle": it had opened.
  idle_cut: [],
  // "the URL or a header is longer than the server reads"
  header_too_long: ["socket_opens"],
  // "a hop wants a password"
  password_in_front: ["socket_opens"],

  key_expired: ["key_accepted"],
  // "was not signed with the project's secret"
  key_signature: ["key_accepted", "stored_fits"],
  key_malformed: ["key_accepted"],
  key_disabled: ["key_accepted"],
  key_claims: ["key_accepted"],
  key_algorithm: ["key_accepted"],
  key_other_project: ["key_accepted"],
  server_secret_differs: ["key_accepted", "realtime_opens"],
  token_expired: ["token_joins", "relay_takes"],
  token_signature: ["token_joins", "relay_takes"],
  token_other_issuer: ["token_joins"],
  token_refused: ["token_joins", "relay_takes"],
  jwks_unreachable: ["token_joins", "relay_takes"],
  jwks_kid_missing: ["token_joins", "relay_takes"],

  // "every signature fails"
  tenant_secret_stale: ["realtime_opens", "stored_fits"],
  // "tokens that name a kid are refused"
  tenant_jwks_stale: ["kid_joins"],

  // "nothing comes back"
  socket_silent: ["joins"],
  join_refused: ["joins"],
  private_silent: ["private_joins"],
  private_refused: ["private_joins"],
  private_failed: ["private_joins"],
  broadcast_lost: ["broadcasts"],
  changes_refused: ["changes_flow"],
  changes_silent: ["changes_flow"],
  insert_lost: ["row_arrives"],

  // "no change leaves the database"
  wal_level: ["row_arrives"],
  publication_missing: ["row_arrives"],
  slot_lost: ["row_arrives"],
  slots_full: ["row_arrives"],
  senders_full: ["row_arrives"],
  // "does not fit its server"
  realtime_schema_behind: ["filtered_row_arrives"],
  filtered_row_lost: ["filtered_row_arrives"],
  // "channels crash at the first broadcast"
  tenant_name_reserved: ["broadcasts"],
  channel_crashed: ["broadcasts"],
  messages_policy_raises: ["private_joins"],
  topic_policy_missing: ["private_joins"],
  // "no private channel"
  messages_missing: ["private_joins"],

  relay_verify_jwt: ["relay_runs"],
  relay_missing: ["relay_runs"],
  relay_crashed: ["relay_runs"],
  relay_misconfigured: ["relay_runs"],
  relay_upgrade_dropped: ["relay_opens"],
  relay_shut: ["relay_opens"],
  relay_no_upstream: ["relay_joins"],
  relay_origin: ["relay_takes"],
  relay_key_unknown: ["relay_takes"],
  relay_issuer_unknown: ["relay_takes"],
  // "none was given"
  key_missing: ["socket_opens", "withheld"],
  // "Realtime is disabled for this tenant"
  tenant_disabled: ["socket_opens", "realtime_opens"],
  relay_anonymous: ["relay_takes", "withheld"],
  credential_missing: ["relay_takes", "joins", "withheld"],
  key_withheld: ["socket_opens", "relay_takes"],
  realtime_refuses_token: ["token_joins"],
};
