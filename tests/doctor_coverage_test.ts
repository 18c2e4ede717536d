import assert from "node:assert/strict";
import { type FindingId, findingIds } from "../tools/doctor/findings/mod.ts";
import { ADDRESS_SET_UPS } from "./support/doctor/addresses.ts";
import { DATABASE_SET_UPS } from "./support/doctor/database.ts";
import { ENV_FILE_SET_UPS } from "./support/doctor/env_files.ts";
import { PROXY_SET_UPS } from "./support/doctor/proxies.ts";
import { REALTIME_SET_UPS } from "./support/doctor/realtime.ts";
import { RELAY_SET_UPS } from "./support/doctor/relay.ts";
import { serverSetUps } from "./support/doctor/servers.ts";
import { TENANT_SET_UPS } from "./support/doctor/tenants.ts";

const SET_UPS = [
  ...[ADDRESS_SET_UPS, PROXY_SET_UPS, REALTIME_SET_UPS, TENANT_SET_UPS, DATABASE_SET_UPS],
  ...[serverSetUps(""), RELAY_SET_UPS, ENV_FILE_SET_UPS],
].flat();

/** Tests of their own, for what a set-up beside the others cannot be, and why not. */
const ELSEWHERE: Partial<Record<FindingId, [file: string, reason: string]>> = {
  tls_expires_soon: ["doctor_healthy", "an authority must be trusted from the process's start"],
  idle_cut: ["doctor_idle", "it takes half a minute; doctor shortens it"],
  idle_short: ["doctor_idle", "it takes a minute"],
  key_other_project: ["doctor_keys", "the names of hosted projects are not ours"],
  token_signature: ["doctor_keys", "the local project signs by its secret alone"],
  jwks_unreachable: ["doctor_keys", "the same"],
  jwks_kid_missing: ["doctor_keys", "the same"],
  relay_worker_short: ["doctor_worker", "the relay must be ended while the doctor looks"],
  iat_future: ["doctor_keys", "it stands beside the other tokens there"],
};

Deno.test("each finding is made for real in a test", () => {
  const tried = new Set(SET_UPS.map(({ expect }) => expect));
  const others = Object.keys(ELSEWHERE) as FindingId[];
  assert.deepEqual(findingIds.filter((id) => !tried.has(id)).sort(), others.sort());
  for (const id of others) {
    const [file] = ELSEWHERE[id]!;
    const text = Deno.readTextFileSync(new URL(`${file}_test.ts`, import.meta.url));
    assert.match(text, new RegExp(`"${id}"`), file);
  }
});
