import assert from "node:assert/strict";
import { Cookies, towardsClient, towardsProject } from "../../deploy/pass/headers.ts";

const PROJECT = new URL("https://abc.supabase.co/");
const CALLER = { address: "192.0.2.1", host: "api.example.com", protocol: "https" };

const lines = (headers: [string, string][]) => headers.flat();

Deno.test("what a client says of forwarding, of one connection or by the platform's names stays here", () => {
  const sent = lines([
    ["Host", "api.example.com"],
    ["ApiKey", "key"],
    ["Connection", "keep-alive, X-Hop"],
    ["X-Hop", "1"],
    ["TE", "trailers"],
    ["Upgrade", "h2c"],
    ["X-Forwarded-For", "10.0.0.1"],
    ["x-forwarded-host", "evil.test"],
    ["Forwarded", "for=10.0.0.1"],
    ["X-Real-IP", "10.0.0.1"],
    ["CF-Connecting-IP", "10.0.0.1"],
    ["sb-api-key", "internal"],
    ["Range", "bytes=0-1"],
    ["Tus-Resumable", "1.0.0"],
    ["X-Client-Info", "supabase-js"],
  ]);
  assert.deepEqual(towardsProject(sent, PROJECT, CALLER, new Cookies()), [
    ["host", "abc.supabase.co"],
    ["ApiKey", "key"],
    ["Range", "bytes=0-1"],
    ["Tus-Resumable", "1.0.0"],
    ["X-Client-Info", "supabase-js"],
    ["x-forwarded-for", "192.0.2.1"],
    ["x-forwarded-host", "api.example.com"],
    ["x-forwarded-proto", "https"],
  ]);
});

Deno.test("only cookies that the project has set go to it, and they are the relay's name's", () => {
  const cookies = new Cookies();
  const set = [
    "theme=dark; Path=/; Domain=abc.supabase.co; Secure",
    "wide=1; domain=.supabase.co",
    "other=1; Domain=evil.test",
  ];
  const answer = lines(set.map((value): [string, string] => ["Set-Cookie", value]));
  assert.deepEqual(towardsClient(answer, PROJECT, false, cookies).map(([, value]) => value), [
    "theme=dark; Path=/; Secure",
    "wide=1",
    "other=1; Domain=evil.test",
  ]);
  const sent = lines([[
    "Cookie",
    "theme=dark; session=secret-of-another-app; sb-token=x; __cf_bm=y",
  ]]);
  const [cookie] = towardsProject(sent, PROJECT, CALLER, cookies)
    .filter(([name]) => name === "cookie");
  assert.equal(cookie[1], "theme=dark; sb-token=x; __cf_bm=y");
  const none = towardsProject(lines([["Cookie", "session=x"]]), PROJECT, CALLER, new Cookies());
  assert.ok(!none.some(([name]) => name === "cookie"));
});

Deno.test("addresses of the project's host are those of whoever asked; others stay", () => {
  const at = (value: string) =>
    towardsClient(["Location", value], PROJECT, false, new Cookies())[0][1];
  const cases: Record<string, string> = {
    "https://abc.supabase.co/storage/v1/upload/resumable/x?y=1#z":
      "/storage/v1/upload/resumable/x?y=1#z",
    "http://abc.supabase.co/a": "/a",
    "//abc.supabase.co/a": "/a",
    "https://abc.supabase.co//evil.test/a": "/.//evil.test/a",
    "https://abc.supabase.co/\\evil.test/a": "/.//evil.test/a",
    "/auth/v1/callback": "/auth/v1/callback",
    "https://github.com/login?redirect_to=https://abc.supabase.co/":
      "https://github.com/login?redirect_to=https://abc.supabase.co/",
    "https://abc.supabase.co.evil.test/": "https://abc.supabase.co.evil.test/",
  };
  for (const [value, expected] of Object.entries(cases)) assert.equal(at(value), expected);
});

Deno.test("a stranger's page is no page of this name, and the host's own promises stay with it", () => {
  const answer = lines([
    ["Content-Type", "text/html"],
    ["Content-Security-Policy", "default-src *"],
    ["Strict-Transport-Security", "max-age=1"],
    ["Alt-Svc", 'h3=":443"'],
    ["ETag", '"x"'],
    ["Transfer-Encoding", "chunked"],
  ]);
  assert.deepEqual(towardsClient(answer, PROJECT, true, new Cookies()), [
    ["Content-Type", "text/html"],
    ["ETag", '"x"'],
    ["content-security-policy", "sandbox"],
    ["x-content-type-options", "nosniff"],
  ]);
});
