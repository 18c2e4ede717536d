/** What the doctor looks at, in the order in which a socket meets it. */
export const AREAS = [
  "name",
  "upgrade",
  "keys",
  "tenant",
  "channels",
  "database",
  "relay",
  "env file",
] as const;
export type Area = typeof AREAS[number];

/**
 * Everything that the doctor can find. One table: id -> where, how bad, what it is, what to do. The
 * ids are stable, and each is a section of docs/TROUBLESHOOTING.md.
 */
const TABLE = {
  name_unresolved: [
    "name",
    "failed",
    "The host name does not resolve.",
    "Check the URL for a typing error and the DNS record; a paused hosted project loses its name.",
  ],
  tcp_refused: [
    "name",
    "failed",
    "Nothing listens at the host and port.",
    "Start the server, or correct the port; in Docker, publish the port and bind to 0.0.0.0.",
  ],
  tcp_timeout: [
    "name",
    "failed",
    "The host does not answer on this port.",
    "Open the port in the firewall or security group, and check the address.",
  ],
  tls_expired: [
    "name",
    "failed",
    "The certificate is not valid at this time.",
    "Renew it and reload the server; then check that the renewal runs by itself.",
  ],
  tls_name: [
    "name",
    "failed",
    "The certificate is for another name.",
    "Get a certificate that holds this name, or connect by a name that it holds.",
  ],
  tls_chain: [
    "name",
    "failed",
    "The certificate is not signed by an authority that clients trust.",
    "Serve the full chain (fullchain.pem, not cert.pem); for an own authority set DENO_CERT here.",
  ],
  tls_expires_soon: [
    "name",
    "warning",
    "The certificate expires within two weeks.",
    "Check that its renewal works.",
  ],
  tls_failed: [
    "name",
    "failed",
    "The TLS handshake fails.",
    "Check that this port speaks TLS, and TLS 1.2 or newer.",
  ],
  http2_only: [
    "name",
    "failed",
    "The front speaks HTTP/2 alone, and browsers open WebSockets by HTTP/1.1.",
    "Offer http/1.1 beside h2 (ALPN) at this address.",
  ],
  not_http: [
    "name",
    "failed",
    "What answers here does not speak HTTP/1.1.",
    "Check scheme and port: an https port asked by http:// answers like this.",
  ],
  redirect: [
    "upgrade",
    "failed",
    "The upgrade is redirected, and WebSockets do not follow redirects.",
    "Use the address that the redirect names, with wss:// for https, in every client.",
  ],
  upgrade_dropped: [
    "upgrade",
    "failed",
    "A proxy drops the headers Upgrade and Connection, so Realtime sees a plain request.",
    "Let the proxy pass both headers, over HTTP/1.1.",
  ],
  http_version: [
    "upgrade",
    "failed",
    "A proxy speaks HTTP/1.0 to what is behind it, which cannot upgrade.",
    "Make the proxy use HTTP/1.1 towards Realtime.",
  ],
  path_lost: [
    "upgrade",
    "failed",
    "A proxy cuts /realtime/v1 off the path before it asks the gateway.",
    "Pass the path on unchanged.",
  ],
  path_doubled: [
    "upgrade",
    "failed",
    "A proxy puts /realtime/v1 before a path that has it already.",
    "Pass the path on unchanged.",
  ],
  path_unmapped: [
    "upgrade",
    "failed",
    "A proxy passes /realtime/v1 to Realtime itself, which serves /socket.",
    "Lead the proxy to the gateway (Kong, port 8000), or map /realtime/v1/ to /socket/.",
  ],
  path_wrong: [
    "upgrade",
    "failed",
    "Nothing is served at the path of Realtime's socket.",
    "Route /realtime/v1/ to the gateway, and check the URL's path.",
  ],
  page_answered: [
    "upgrade",
    "failed",
    "A web page answers in place of Realtime.",
    "Route /realtime/v1/ to the gateway before the rule that serves the page for every path.",
  ],
  query_dropped: [
    "upgrade",
    "failed",
    "A proxy drops the query, and with it the API key.",
    "Pass the query on unchanged.",
  ],
  key_missing: [
    "upgrade",
    "failed",
    "The server wants an API key, and none was given.",
    "Give the project's publishable or anon key with --key.",
  ],
  key_refused_by_gateway: [
    "upgrade",
    "failed",
    "The gateway does not know the API key.",
    "Use the key of this project; on self-host the gateway must be restarted after keys change.",
  ],
  key_not_swapped: [
    "upgrade",
    "failed",
    "Realtime got a publishable key, which only the gateway in front can turn into a JWT.",
    "Connect through the gateway, or use the legacy anon key here.",
  ],
  host_not_tenant: [
    "upgrade",
    "failed",
    "A proxy passes the outer Host on, and Realtime takes its first label for the tenant.",
    "Send requests through the gateway, or set Host to realtime-dev.localhost towards Realtime.",
  ],
  tenant_not_found: [
    "upgrade",
    "failed",
    "Realtime has no tenant by the first label of the Host that reaches it.",
    "Set SELF_HOST_TENANT_NAME to that label (not APP_NAME) and seed, or send a Host that fits.",
  ],
  tenant_disabled: [
    "upgrade",
    "failed",
    "Realtime is disabled for this tenant.",
    "Restore the project if it is paused; on self-host clear suspend in _realtime.tenants.",
  ],
  waf: [
    "upgrade",
    "failed",
    "A firewall in front refuses the upgrade; the request never reaches Realtime.",
    "Let GET /realtime/v1/websocket with Upgrade through: no challenge, no bot rule on that path.",
  ],
  refused_403: [
    "upgrade",
    "failed",
    "Realtime answers 403 without a word, as versions before 2.116 do to any refusal.",
    "The key, the tenant or its secret is wrong: look again with --jwt-secret and --db.",
  ],
  gateway_unreachable: [
    "upgrade",
    "failed",
    "The proxy cannot reach what is behind it.",
    "Start the service behind, and correct the address that the proxy has for it.",
  ],
  closed_unanswered: [
    "upgrade",
    "failed",
    "The connection is closed without an answer.",
    "Look into the server's log: it crashed, or a firewall cut the connection.",
  ],
  unanswered: [
    "upgrade",
    "failed",
    "No answer comes to the upgrade.",
    "Turn off request buffering for this path, and check that the service behind runs.",
  ],
  accept_wrong: [
    "upgrade",
    "failed",
    "The 101 answer is not one that a browser takes.",
    "Something rewrites the handshake: pass its headers on unchanged.",
  ],
  subprotocol_dropped: [
    "upgrade",
    "failed",
    "The server picked none of the offered subprotocols, and a browser drops such a socket.",
    "Pass Sec-WebSocket-Protocol through in both directions.",
  ],
  header_too_long: [
    "upgrade",
    "failed",
    "A header of the upgrade is longer than the server reads.",
    "Realtime reads 4,096 bytes: keep cookies off this host, and tokens small.",
  ],
  too_many: [
    "upgrade",
    "failed",
    "The server refuses because there are too many connections or attempts.",
    "Close sockets that are not needed, or raise max_concurrent_users of the tenant.",
  ],
  server_error: [
    "upgrade",
    "failed",
    "The server fails while it answers the upgrade.",
    "Look into the log of the hop that is named.",
  ],
  refused_otherwise: [
    "upgrade",
    "failed",
    "The upgrade is refused.",
    "The answer's status and body are shown above: they come from the hop that is named.",
  ],
  idle_cut: [
    "upgrade",
    "failed",
    "A proxy cuts the socket while it is idle, sooner than the next heartbeat comes.",
    "Raise the proxy's read and tunnel timeouts; realtime-js sends a heartbeat every 25 s.",
  ],
  idle_short: [
    "upgrade",
    "warning",
    "A socket lives by its heartbeats alone: silence of a minute ends it.",
    "Raise the proxy's timeouts: browsers slow the heartbeats of a background tab down.",
  ],
  secret_key: [
    "keys",
    "failed",
    "A secret key or a service_role token is where browsers can read it.",
    "Rotate it now; browsers get the publishable or the anon key.",
  ],
  key_expired: [
    "keys",
    "failed",
    "The API key has expired.",
    "Make a new anon key: same secret, a later exp.",
  ],
  key_signature: [
    "keys",
    "failed",
    "The API key was not signed with the project's secret.",
    "Use the key of this project, or make ANON_KEY anew from JWT_SECRET.",
  ],
  key_malformed: [
    "keys",
    "failed",
    "The API key is neither a publishable key nor a JWT.",
    "Copy the whole key, without quotes and line breaks.",
  ],
  key_claims: [
    "keys",
    "failed",
    "The API key lacks the claims role and exp, without which Realtime refuses it.",
    "Make a new anon key with both claims.",
  ],
  key_algorithm: [
    "keys",
    "failed",
    "The API key is signed by an algorithm that Realtime does not verify.",
    "Use HS256 with the project's secret, or a key of the project's JWKS.",
  ],
  key_other_project: [
    "keys",
    "failed",
    "The API key belongs to another hosted project.",
    "Take URL and key from the same project.",
  ],
  server_secret_differs: [
    "keys",
    "failed",
    "The key is good by the secret given here, and Realtime refuses its signature.",
    "Realtime holds another secret: give --db to look at its tenant, or set SEED_SELF_HOST=true.",
  ],
  token_expired: ["keys", "failed", "The user's token has expired.", "Refresh the session."],
  token_signature: [
    "keys",
    "failed",
    "No key of the project made the token's signature.",
    "Sign in to this project; check JWT_SECRET, or the project's JWKS.",
  ],
  token_refused: [
    "keys",
    "failed",
    "The user's token is one that the relay refuses.",
    "The code that is shown has its advice in docs/PROTOCOL.md.",
  ],
  iat_future: [
    "keys",
    "warning",
    "The token was issued in the future.",
    "Set the clock of the machine that signs; some servers refuse such tokens.",
  ],
  clock_skew: [
    "keys",
    "warning",
    "The server's clock and this one differ by more than 30 seconds.",
    "Let both keep time by NTP: tokens seem expired or not yet valid.",
  ],
  jwks_unreachable: [
    "keys",
    "failed",
    "The project's JWKS cannot be read, and the token needs it.",
    "Let /auth/v1/.well-known/jwks.json answer, without an API key.",
  ],
  jwks_kid_missing: [
    "keys",
    "failed",
    "The project's JWKS does not hold the token's kid.",
    "Sign in again: the key was rotated, or the token is another project's.",
  ],
  tenant_row_missing: [
    "tenant",
    "failed",
    "Realtime's table of tenants has no row for the tenant's name.",
    "Set SELF_HOST_TENANT_NAME to it and start Realtime once with SEED_SELF_HOST=true.",
  ],
  tenant_secret_undecryptable: [
    "tenant",
    "failed",
    "The tenant's stored secret was encrypted with another key than DB_ENC_KEY.",
    "Restore the old DB_ENC_KEY, or write the secret anew (--repair-tenant).",
  ],
  tenant_secret_stale: [
    "tenant",
    "failed",
    "The tenant's stored secret is not JWT_SECRET: every signature fails.",
    "Start Realtime with SEED_SELF_HOST=true, or write the secret anew (--repair-tenant).",
  ],
  tenant_gcm_key: [
    "tenant",
    "failed",
    "The tenant's secret is encrypted with AES-256-GCM, and its key is not there or is wrong.",
    "Set DB_ENC_KEY_GCM (32 characters) to the key that it was written with.",
  ],
  tenant_jwks_stale: [
    "tenant",
    "warning",
    "The tenant's stored JWKS is not the project's: tokens that name a kid are refused.",
    "Set API_JWT_JWKS to the project's JWKS and start Realtime with SEED_SELF_HOST=true.",
  ],
  tenant_suspended: [
    "tenant",
    "failed",
    "The tenant is suspended.",
    "Clear suspend in _realtime.tenants, then restart Realtime.",
  ],
  socket_silent: [
    "channels",
    "failed",
    "The socket opens, and then nothing comes back.",
    "A proxy holds the frames: turn off buffering and inspection on this path.",
  ],
  socket_lost: [
    "channels",
    "failed",
    "The socket opens and is closed soon after.",
    "The close code and reason are shown above; without one, a proxy cut the connection.",
  ],
  join_refused: [
    "channels",
    "failed",
    "A public channel cannot be joined.",
    "The reason is shown above; 'private only' is a setting of the project's Realtime.",
  ],
  private_refused: [
    "channels",
    "failed",
    "The private channel refuses this role.",
    "Add a select policy on realtime.messages that lets this role receive this topic.",
  ],
  broadcast_lost: [
    "channels",
    "failed",
    "A broadcast does not come back to its sender, who asked for it.",
    "Something drops frames from client to server: check proxies and RELAY_POLICY.",
  ],
  changes_refused: [
    "channels",
    "failed",
    "Realtime refuses the subscription to the table's changes.",
    "Publish the table and grant select on it; --db shows which is missing.",
  ],
  changes_silent: [
    "channels",
    "failed",
    "Realtime never says that the subscription to changes is ready.",
    "It cannot read the database's log: check wal_level, slots and its log (--db).",
  ],
  insert_lost: [
    "channels",
    "failed",
    "A row was inserted, and its change did not arrive.",
    "Check the replication slot and Realtime's log for PoolingReplicationError.",
  ],
  wal_level: [
    "database",
    "failed",
    "wal_level is not logical, so no change leaves the database.",
    "Set it and restart Postgres.",
  ],
  publication_missing: [
    "database",
    "failed",
    "The publication supabase_realtime does not exist.",
    "Create it with the tables that clients subscribe.",
  ],
  table_missing: [
    "database",
    "failed",
    "The table does not exist.",
    "Check --table, and that the migrations were pushed to this database.",
  ],
  table_unpublished: [
    "database",
    "failed",
    "The table is not in the publication supabase_realtime.",
    "Add it.",
  ],
  primary_key_missing: [
    "database",
    "failed",
    "The table has no primary key: with row level security its rows arrive empty.",
    "Add a primary key.",
  ],
  replica_identity: [
    "database",
    "warning",
    "The table's replica identity is nothing: updates and deletes on it fail once published.",
    "Set it to default (with a primary key) or full.",
  ],
  rls_off: [
    "database",
    "warning",
    "Row level security is off: every subscriber gets every row.",
    "Enable it and add a policy for who may see which rows.",
  ],
  rls_no_policy: [
    "database",
    "failed",
    "Row level security is on, and no select policy lets this role see a row.",
    "Add a select policy for the role.",
  ],
  grant_missing: [
    "database",
    "failed",
    "The role may not select from the table, so it gets no change.",
    "Grant select to the role; row level security still decides about rows.",
  ],
  key_column_hidden: [
    "database",
    "failed",
    "The role may not select the primary key: rows arrive empty, with Error 401.",
    "Grant select on the key's columns.",
  ],
  policy_raises: [
    "database",
    "failed",
    "A policy fails for some row, which loses the changes of all subscribers.",
    "Make the policy's expression safe for every row (casts, subqueries with one row).",
  ],
  publish_via_root: [
    "database",
    "failed",
    "The table is partitioned and published by its root: Realtime accepts it and sends nothing.",
    "Publish the partitions by themselves.",
  ],
  filter_array: [
    "database",
    "failed",
    "A subscription filters an array or json column, which loses the changes of all subscribers.",
    "Take that filter out of the client.",
  ],
  filter_unfit: [
    "database",
    "warning",
    "A subscription filters a char(n) column, or varchar by a pattern: it never matches.",
    "Filter another column, or make this one text.",
  ],
  subscribers_many: [
    "database",
    "warning",
    "There are so many subscriptions that Realtime's one process falls behind.",
    "Send by broadcast instead: rights are then checked once a channel, not once a row.",
  ],
  slot_lost: [
    "database",
    "failed",
    "A replication slot of Realtime has lost its place in the log.",
    "Drop the slot; Realtime makes a new one. Raise max_slot_wal_keep_size.",
  ],
  slot_lag: [
    "database",
    "warning",
    "A replication slot of Realtime lies far behind and holds the log.",
    "Restart Realtime; drop the slot if nobody uses it, or the disk fills.",
  ],
  slots_full: [
    "database",
    "failed",
    "All replication slots are taken.",
    "Drop slots that nobody uses, or raise max_replication_slots and restart.",
  ],
  senders_full: [
    "database",
    "failed",
    "All WAL senders are taken.",
    "Raise max_wal_senders and restart Postgres.",
  ],
  messages_missing: [
    "database",
    "failed",
    "The table realtime.messages does not exist: no private channel, no database broadcast.",
    "Start Realtime on this database and open a channel once: it makes its schema then.",
  ],
  partition_missing: [
    "database",
    "failed",
    "realtime.messages has no partition for today: broadcasts from the database are lost.",
    "Restart Realtime, which makes partitions at its start; check its rights on schema realtime.",
  ],
  messages_policy_open: [
    "database",
    "warning",
    "A policy on realtime.messages is `using (true)`: every private topic is open.",
    "Compare the topic: using (realtime.topic() = …).",
  ],
  migrations_missing: [
    "database",
    "warning",
    "Migrations of this repository were not applied here.",
    "Run supabase db push.",
  ],
  relay_verify_jwt: [
    "relay",
    "failed",
    "The platform checks a JWT before the relay runs, and browsers cannot send that header.",
    "Set verify_jwt = false for the function and deploy; self-host: FUNCTIONS_VERIFY_JWT=false.",
  ],
  relay_missing: [
    "relay",
    "failed",
    "No relay answers at this address.",
    "Deploy it: supabase functions deploy relay. Check the path /functions/v1/relay.",
  ],
  relay_misconfigured: [
    "relay",
    "failed",
    "The relay's environment is wrong; each problem is shown above.",
    "Set the variables (supabase secrets set …), see docs/CONFIGURATION.md.",
  ],
  relay_no_upstream: [
    "relay",
    "failed",
    "The relay is well, and Realtime behind it does not answer or refuses its key.",
    "Check SUPABASE_URL and the key in the relay's environment, and Realtime itself.",
  ],
  relay_origin: [
    "relay",
    "failed",
    "Pages of this origin may not use the relay.",
    "Add the origin to RELAY_ORIGINS.",
  ],
  relay_anonymous: [
    "relay",
    "failed",
    "The relay lets in signed-in users only, and no token was given.",
    "Give --token, or set RELAY_ANONYMOUS=allow.",
  ],
  relay_refuses: [
    "relay",
    "failed",
    "The relay refuses the credential.",
    "The code that is shown has its advice in docs/PROTOCOL.md.",
  ],
  env_jwt_secret: [
    "env file",
    "failed",
    "JWT_SECRET is shorter than 32 characters.",
    "Make a longer one, then ANON_KEY and SERVICE_ROLE_KEY anew.",
  ],
  env_db_enc_key: [
    "env file",
    "failed",
    "DB_ENC_KEY is not 16 bytes long, which AES-128 needs: Realtime cannot read its tenants.",
    "Use 16 characters; write the tenant's secret anew afterwards.",
  ],
  env_db_enc_key_gcm: [
    "env file",
    "failed",
    "DB_ENC_KEY_GCM is not 32 bytes long, which AES-256 needs.",
    "Use 32 characters.",
  ],
  env_secret_key_base: [
    "env file",
    "failed",
    "SECRET_KEY_BASE is shorter than 64 characters: Realtime does not start.",
    "Make one with openssl rand -base64 48.",
  ],
  env_anon_key: [
    "env file",
    "failed",
    "ANON_KEY was not made with the JWT_SECRET beside it.",
    "Make ANON_KEY anew from JWT_SECRET.",
  ],
  env_service_key: [
    "env file",
    "failed",
    "SERVICE_ROLE_KEY was not made with the JWT_SECRET beside it.",
    "Make SERVICE_ROLE_KEY anew from JWT_SECRET.",
  ],
  env_key_roles: [
    "env file",
    "failed",
    "ANON_KEY and SERVICE_ROLE_KEY do not have the roles that their names say.",
    "Swap them back. If service_role was in a browser, make a new JWT_SECRET.",
  ],
  env_jwks_commented: [
    "env file",
    "warning",
    "A JWKS is there, commented out: tokens with asymmetric keys are refused.",
    "Take the # away if Auth signs with asymmetric keys.",
  ],
  env_api_jwt_secret: [
    "env file",
    "failed",
    "API_JWT_SECRET, from which Realtime seeds its tenant, differs from JWT_SECRET.",
    "Make both the same, and start Realtime with SEED_SELF_HOST=true.",
  ],
  env_verify_jwt: [
    "env file",
    "failed",
    "VERIFY_JWT is on for all functions: browsers cannot open a socket to the relay.",
    "Set FUNCTIONS_VERIFY_JWT=false; the relay verifies each token itself.",
  ],
  env_relay: [
    "env file",
    "failed",
    "The relay would not start with these variables.",
    "Correct what is listed; docs/CONFIGURATION.md has every variable.",
  ],
} as const satisfies Record<string, readonly [Area, "failed" | "warning", string, string]>;

export type FindingId = keyof typeof TABLE;

/** All ids, in the order of the table. */
export const findingIds = Object.keys(TABLE) as FindingId[];

export interface Description {
  area: Area;
  severity: "failed" | "warning";
  /** What it is, in a sentence. */
  says: string;
  /** What to do about it. */
  fix: string;
}

export function describe(id: FindingId): Description {
  const [area, severity, says, fix] = TABLE[id];
  return { area, severity, says, fix };
}
