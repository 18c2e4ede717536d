import assert from "node:assert/strict";
import { type FindingId, findingIds } from "../../tools/doctor/findings/mod.ts";
import { ADDRESS_SET_UPS } from "./support/addresses.ts";
import { DATABASE_SET_UPS } from "./support/database.ts";
import { ENV_FILE_SET_UPS } from "./support/env_files.ts";
import { EDGE_SET_UPS } from "./support/edges.ts";
import { FRONT_SET_UPS } from "./support/fronts.ts";
import { ISSUER_SET_UPS } from "./support/issuers.ts";
import { PROXY_SET_UPS } from "./support/proxies.ts";
import { REALTIME_SET_UPS } from "./support/realtime.ts";
import { RELAY_SET_UPS } from "./support/relay.ts";
import { WHOM_SET_UPS } from "./support/whom.ts";
import { serverSetUps } from "./support/servers.ts";
import { ORIGINAL_SET_UPS } from "./support/originals.ts";
import { TABLE_SET_UPS } from "./support/tables.ts";
import { TENANT_SET_UPS } from "./support/tenants.ts";

const SET_UPS = [
  ...[ADDRESS_SET_UPS, PROXY_SET_UPS, REALTIME_SET_UPS, TENANT_SET_UPS, DATABASE_SET_UPS],
  ...[
    serverSetUps(""),
    RELAY_SET_UPS,
    ISSUER_SET_UPS,
    ENV_FILE_SET_UPS,
    WHOM_SET_UPS,
    FRONT_SET_UPS,
    EDGE_SET_UPS,
    TABLE_SET_UPS,
    ORIGINAL_SET_UPS,
  ],
].flat();

/** Tests of their own, for what a set-up beside the others cannot be, and why not. */
const ELSEWHERE: Partial<Record<FindingId, [file: string, reason: string]>> = {
  resolver_fails: ["name", "the name servers of this machine are not ours"],
  tls_expires_soon: ["healthy", "an authority must be trusted from the process's start"],
  idle_cut: ["idle", "it takes half a minute; doctor shortens it"],
  idle_short: ["idle", "it takes a minute"],
  key_other_project: ["keys", "the names of hosted projects are not ours"],
  jwks_unreachable: ["keys", "the local project signs by its secret alone"],
  jwks_kid_missing: ["keys", "the local project signs by its secret alone"],
  relay_worker_short: ["worker", "the relay must be ended while the doctor looks"],
  iat_future: ["keys", "it stands beside the other tokens there"],
};

Deno.test("each finding is made for real in a test", () => {
  const tried = new Set(SET_UPS.flatMap(({ expect, also = [] }) => [expect, ...also]));
  const others = Object.keys(ELSEWHERE) as FindingId[];
  assert.deepEqual(findingIds.filter((id) => !tried.has(id)).sort(), others.sort());
  for (const id of others) {
    const [file] = ELSEWHERE[id]!;
    const text = Deno.readTextFileSync(new URL(`${file}_test.ts`, import.meta.url));
    assert.match(text, new RegExp(`"${id}"`), file);
  }
});
