import type { FindingId } from "../findings/mod.ts";
import type { Fact } from "./known.ts";

/** When a sign that was seen is the finding of this row. */
export interface Rule {
  /** Signs that tell of it; that of its own name where none is listed. */
  signs?: readonly FindingId[];
  /** It is found only where one of these is known; of a list, all of it. */
  needs?: readonly (Fact | readonly Fact[])[];
  /** It is not found where one of these is known: they prove that what it says does not hold. */
  against?: readonly Fact[];
}

/** Whether what a rule needs is known. */
export const isMet = ({ needs }: Rule, facts: Set<Fact>): boolean =>
  needs?.some((need) => [need].flat().every((it) => facts.has(it))) ?? false;

export type Rules = Record<FindingId, Rule>;

/** What it says is measured where it stands, and nothing else that works denies it. */
const ITSELF: Rule = {};
/** It says that no answer comes from the address. */
const NO_ANSWER: Rule = { against: ["front_answers"] };
/** It says that the upgrade does not pass. */
const NO_UPGRADE: Rule = { against: ["socket_opens"] };
/** It says that the key is bad. */
const BAD_KEY: Rule = { against: ["key_accepted"] };
/** It says that no change leaves the database. */
const NO_CHANGES: Rule = { against: ["row_arrives"] };

/** Every finding: the signs and facts that it needs, and the facts that rule it out. */
export const RULES: Rules = {
  name_unresolved: NO_ANSWER,
  resolver_fails: NO_ANSWER,
  tcp_refused: NO_ANSWER,
  no_route: NO_ANSWER,
  tcp_timeout: NO_ANSWER,
  tls_expired: NO_ANSWER,
  tls_name: NO_ANSWER,
  tls_chain: NO_ANSWER,
  tls_expires_soon: ITSELF,
  tls_no_certificate: NO_ANSWER,
  tls_failed: NO_ANSWER,
  http2_only: NO_ANSWER,
  not_http: NO_ANSWER,

  redirect: NO_UPGRADE,
  redirect_circle: NO_UPGRADE,
  login_in_front: NO_UPGRADE,
  password_in_front: NO_UPGRADE,
  origin_unreachable: NO_UPGRADE,
  origin_tls: NO_UPGRADE,
  host_unknown: NO_UPGRADE,
  https_wanted: NO_UPGRADE,
  https_wanted_behind: NO_UPGRADE,
  https_demanded: NO_UPGRADE,
  rewrite_drops_upgrade: NO_UPGRADE,
  network_login: NO_UPGRADE,
  rate_limited: NO_UPGRADE,
  over_quota: NO_UPGRADE,
  project_paused: NO_UPGRADE,
  tunnel_down: NO_UPGRADE,
  upgrade_dropped: NO_UPGRADE,
  handshake_dropped: NO_UPGRADE,
  http_version: NO_UPGRADE,
  path_lost: NO_UPGRADE,
  path_doubled: NO_UPGRADE,
  path_unmapped: NO_UPGRADE,
  path_wrong: NO_UPGRADE,
  cli_realtime_off: NO_UPGRADE,
  page_answered: NO_UPGRADE,
  query_dropped: NO_UPGRADE,
  key_missing: { against: ["socket_opens", "withheld"] },
  key_withheld: {
    signs: ["key_missing", "credential_missing", "relay_anonymous"],
    needs: ["withheld"],
    against: ["socket_opens", "relay_takes"],
  },
  key_refused_by_gateway: NO_UPGRADE,
  key_forbidden: NO_UPGRADE,
  key_not_swapped: NO_UPGRADE,
  host_not_tenant: NO_UPGRADE,
  tenant_not_found: NO_UPGRADE,
  tenant_disabled: { against: ["socket_opens", "realtime_opens"] },
  waf: NO_UPGRADE,
  refused_403: NO_UPGRADE,
  gateway_unreachable: NO_UPGRADE,
  shut_by_proxy: NO_UPGRADE,
  closed_unanswered: NO_UPGRADE,
  unanswered: NO_UPGRADE,
  accept_wrong: NO_UPGRADE,
  subprotocol_dropped: NO_UPGRADE,
  header_too_long: NO_UPGRADE,
  too_many: NO_UPGRADE,
  server_error: NO_UPGRADE,
  refused_otherwise: NO_UPGRADE,
  // Seen on sockets that had opened.
  idle_cut: ITSELF,
  idle_short: ITSELF,

  secret_key: ITSELF,
  credential_missing: { against: ["relay_takes", "joins", "withheld"] },
  key_expired: BAD_KEY,
  key_signature: { against: ["key_accepted", "stored_fits"] },
  key_malformed: BAD_KEY,
  key_disabled: BAD_KEY,
  key_claims: BAD_KEY,
  key_algorithm: BAD_KEY,
  key_other_project: BAD_KEY,
  // What Realtime or its tenant verifies by is right by definition; what was typed here is not.
  given_secret_differs: {
    signs: ["key_signature", "tenant_secret_stale"],
    needs: ["key_accepted", "stored_fits", "realtime_opens"],
  },
  server_secret_differs: { against: ["key_accepted", "realtime_opens"] },
  token_expired: { against: ["token_joins", "relay_takes"] },
  token_signature: { against: ["token_joins", "relay_takes"] },
  realtime_refuses_token: { against: ["token_joins"] },
  token_other_issuer: { against: ["token_joins"] },
  token_refused: { against: ["token_joins", "relay_takes"] },
  iat_future: ITSELF,
  clock_skew: ITSELF,
  jwks_unreachable: { against: ["token_joins", "relay_takes"] },
  jwks_kid_missing: { against: ["token_joins", "relay_takes"] },

  tenant_row_missing: { against: ["realtime_opens"] },
  tenant_name_reserved: { against: ["broadcasts"] },
  tenant_secret_undecryptable: { against: ["realtime_opens"] },
  tenant_secret_stale: { against: ["realtime_opens", "stored_fits"] },
  tenant_gcm_key: { against: ["realtime_opens"] },
  given_enc_key_differs: {
    signs: ["tenant_secret_undecryptable", "tenant_gcm_key"],
    needs: [["realtime_opens", "enc_key_given"]],
  },
  tenant_jwks_stale: { against: ["kid_joins"] },
  tenant_suspended: { against: ["realtime_opens"] },

  socket_silent: { against: ["joins"] },
  socket_lost: ITSELF,
  frames_broken: ITSELF,
  join_refused: { against: ["joins"] },
  join_limited: ITSELF,
  database_unreached: ITSELF,
  private_silent: { against: ["private_joins"] },
  private_refused: { against: ["private_joins"] },
  private_failed: { against: ["private_joins"] },
  broadcast_lost: { against: ["broadcasts"] },
  channel_crashed: { against: ["broadcasts"] },
  filtered_row_lost: { against: ["filtered_row_arrives"] },
  changes_refused: { against: ["changes_flow"] },
  changes_silent: { against: ["changes_flow"] },
  insert_lost: NO_CHANGES,

  wal_level: NO_CHANGES,
  publication_missing: NO_CHANGES,
  publication_operations: ITSELF,
  publication_ignored: ITSELF,
  table_kind: ITSELF,
  partitioned_root: ITSELF,
  partition_rights: ITSELF,
  role_missing: ITSELF,
  schema_usage_missing: ITSELF,
  policy_grant_missing: ITSELF,
  realtime_schema_behind: { against: ["filtered_row_arrives"] },
  table_missing: ITSELF,
  table_unpublished: ITSELF,
  tables_alike: ITSELF,
  primary_key_missing: ITSELF,
  replica_identity: ITSELF,
  rls_off: ITSELF,
  rls_no_policy: ITSELF,
  grant_missing: ITSELF,
  key_column_hidden: ITSELF,
  policy_raises: ITSELF,
  publish_via_root: ITSELF,
  filter_array: ITSELF,
  filter_unfit: ITSELF,
  subscribers_many: ITSELF,
  slot_lost: NO_CHANGES,
  slot_lag: ITSELF,
  slots_full: NO_CHANGES,
  senders_full: NO_CHANGES,
  messages_missing: { against: ["private_joins"] },
  partition_missing: ITSELF,
  messages_policy_raises: { against: ["private_joins"] },
  topic_policy_missing: { against: ["private_joins"] },
  messages_policy_open: ITSELF,
  messages_rls_off: ITSELF,
  migrations_closed: ITSELF,
  migrations_missing: ITSELF,

  relay_verify_jwt: { against: ["relay_runs"] },
  relay_missing: { against: ["relay_runs"] },
  relay_crashed: { against: ["relay_runs"] },
  relay_misconfigured: { against: ["relay_runs"] },
  relay_upgrade_dropped: { against: ["relay_opens"] },
  relay_shut: { against: ["relay_opens"] },
  relay_no_upstream: { against: ["relay_joins"] },
  relay_origin: { against: ["relay_takes"] },
  relay_anonymous: { against: ["relay_takes", "withheld"] },
  relay_worker_short: ITSELF,
  relay_refuses: ITSELF,
  relay_key_unknown: { against: ["relay_takes"] },
  relay_issuer_unknown: { against: ["relay_takes"] },

  env_jwt_secret: ITSELF,
  env_db_enc_key: ITSELF,
  env_db_enc_key_gcm: ITSELF,
  env_secret_key_base: ITSELF,
  env_anon_key: ITSELF,
  env_service_key: ITSELF,
  env_key_roles: ITSELF,
  env_jwks_commented: ITSELF,
  env_new_keys_half: ITSELF,
  env_jwks_missing: ITSELF,
  env_api_jwt_secret: ITSELF,
  env_verify_jwt: ITSELF,
  env_relay: ITSELF,
  env_relay_origin: ITSELF,
};
