import type { Check } from "./check.ts";
import { type Area, describe, type FindingId } from "./findings/mod.ts";

/**
 * What follows from what: where the cause was found, its symptoms are told as such, and neither
 * counted nor advised on.
 */
const FOLLOWS: Partial<Record<FindingId, FindingId[]>> = {
  key_expired: ["refused_403", "socket_lost", "join_refused", "relay_no_upstream"],
  key_signature: ["refused_403", "server_secret_differs", "env_anon_key"],
  key_malformed: ["refused_403", "key_refused_by_gateway"],
  key_claims: ["refused_403"],
  key_algorithm: ["refused_403"],
  key_other_project: ["key_refused_by_gateway", "key_signature"],
  secret_key: ["relay_refuses", "key_refused_by_gateway", "env_key_roles"],
  token_expired: ["relay_refuses", "join_refused", "socket_lost", "private_refused"],
  token_signature: ["relay_refuses", "join_refused", "socket_lost", "private_refused"],
  token_refused: ["relay_refuses", "join_refused", "socket_lost"],
  tenant_row_missing: ["tenant_not_found", "refused_403"],
  tenant_secret_stale: ["server_secret_differs", "refused_403", "key_signature"],
  tenant_secret_undecryptable: ["server_secret_differs", "refused_403", "server_error"],
  tenant_gcm_key: ["server_secret_differs", "refused_403", "server_error"],
  tenant_suspended: ["tenant_disabled", "refused_403"],
  env_db_enc_key: ["tenant_secret_undecryptable", "server_error"],
  env_key_roles: ["env_relay"],
  env_api_jwt_secret: ["tenant_secret_stale", "server_secret_differs"],
  wal_level: ["changes_silent", "changes_refused", "insert_lost"],
  publication_missing: ["table_unpublished", "changes_refused", "changes_silent", "insert_lost"],
  table_missing: ["table_unpublished", "changes_refused"],
  table_unpublished: ["changes_refused"],
  grant_missing: ["changes_refused", "key_column_hidden"],
  slot_lost: ["changes_silent", "insert_lost"],
  slots_full: ["changes_silent", "insert_lost"],
  senders_full: ["changes_silent", "insert_lost"],
  policy_raises: ["insert_lost"],
  messages_missing: ["private_refused", "partition_missing"],
  relay_no_upstream: ["join_refused", "socket_lost"],
  relay_origin: ["join_refused", "socket_lost"],
  relay_anonymous: ["join_refused", "socket_lost"],
  relay_refuses: ["join_refused", "socket_lost"],
  relay_verify_jwt: ["refused_otherwise", "server_error", "gateway_unreachable"],
  relay_missing: ["path_wrong", "refused_otherwise", "page_answered", "server_error"],
  relay_misconfigured: ["gateway_unreachable", "refused_otherwise", "server_error"],
};

export interface Verdict {
  /** What is wrong by itself, failures first. */
  causes: Check[];
  /** What follows from something else, and from what. */
  symptoms: (Check & { of: FindingId })[];
  /** Two sentences. */
  sentence: string;
  /** 0 healthy, 1 a problem, 2 could not look. */
  exitCode: 0 | 1 | 2;
}

/** Tells causes from symptoms, and says which hop, and why. */
export function judge(checks: Check[]): Verdict {
  const findings = unique(checks.filter(({ id }) => id));
  const explained = new Map(
    findings.filter(({ state }) => state === "failed")
      .flatMap(({ id }) => FOLLOWS[id!]?.map((symptom) => [symptom, id!] as const) ?? []),
  );
  const causes = findings.filter(({ id }) => !explained.has(id!))
    .sort((a, b) => Number(b.state === "failed") - Number(a.state === "failed"));
  const symptoms = checks.flatMap((check) => {
    const of = check.id && explained.get(check.id);
    return of ? [{ ...check, of }] : [];
  });
  const [first] = causes;
  if (first?.state === "failed") {
    return { causes, symptoms, sentence: sentenceOf(first), exitCode: 1 };
  }
  if (!checks.some(({ state, area }) => state === "ok" && area !== "name")) {
    const sentence = "Nothing could be looked at. The lines above say why.";
    return { causes, symptoms, sentence, exitCode: 2 };
  }
  const blind = checks.find(({ state, blind }) => state === "skipped" && blind);
  if (blind) {
    const sentence = `Nothing wrong was found. But something could not be looked at: ${blind.saw}.`;
    return { causes, symptoms, sentence, exitCode: 2 };
  }
  const sentence = first
    ? `Nothing is broken. One thing to see to: ${describe(first.id!).says}`
    : "Everything that was looked at is well. No hop is in the way.";
  return { causes, symptoms, sentence, exitCode: 0 };
}

/** Where it breaks, if no hop is to blame. */
const PLACES: Record<Area, string> = {
  ...{ name: "at the address", upgrade: "at the upgrade", keys: "at the keys" },
  ...{ tenant: "at Realtime's tenant", channels: "on the open socket" },
  ...{ database: "in the database", relay: "at the relay", "env file": "in the env file" },
};

function sentenceOf({ id, hop, area }: Check): string {
  return `It breaks ${hop ? `at ${hop}` : PLACES[area]}. ${describe(id!).says}`;
}

function unique(checks: Check[]): Check[] {
  return [...new Map(checks.toReversed().map((check) => [check.id, check])).values()].reverse();
}
