import assert from "node:assert/strict";
import { callerOf, Judge } from "../../deploy/pass/judge.ts";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";

const ITSELF = { address: "192.0.2.9", host: "relay.test", protocol: "http" };

Deno.test("the project is told the client's whole address, as trusted proxies wrote it", () => {
  const told = (entry: string) =>
    callerOf(new Headers({ "x-forwarded-for": `10.0.0.1, ${entry}` }), 1, ITSELF).address;
  const cases: Record<string, string> = {
    "192.0.2.1": "192.0.2.1",
    "192.0.2.1:4711": "192.0.2.1",
    "2001:db8::1": "2001:db8::1",
    "[2001:DB8:0:1::ff]:4711": "2001:db8:0:1::ff",
  };
  for (const [entry, address] of Object.entries(cases)) assert.equal(told(entry), address);
});

Deno.test("of what is passed on no more tokens are looked at than of what the relay keeps", () => {
  const judge = new Judge(readConfig({
    SUPABASE_URL: "https://abc.supabase.co",
    SUPABASE_PUBLISHABLE_KEY: "sb_publishable_a",
  }));
  const parts = (count: number) => Array.from({ length: count }, () => "e".repeat(24)).join(".");
  judge.check(`/rest/v1/a?select=${parts(18)}`, new Headers());
  const refused = { code: "bad_request" };
  assert.throws(() => judge.check(`/rest/v1/${parts(2_000)}`, new Headers()), refused);
});
