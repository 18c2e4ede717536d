import assert from "node:assert/strict";
import { parse } from "smol-toml";
import { aboutVersion, snippet } from "../../packages/realtime-relay/init/next/snippet.ts";
import { hints, nextSteps } from "../../packages/realtime-relay/init/next/steps.ts";

const REF = "abcdefghijklmnopqrst";
const THIRD = `[auth.third_party.clerk]
enabled = true
domain = "clerk.example.com"
[auth.third_party.firebase]
enabled = true
project_id = "env(FIREBASE)"
[auth.third_party.auth0]
enabled = false
tenant = "x"`;

Deno.test("the next commands are three, and this project's", () => {
  const secrets = "supabase secrets set RELAY_ORIGINS=https://<your page>";
  const deploy = "supabase functions deploy relay";
  const link = "supabase link --project-ref <ref>";
  const push = "supabase db push --linked";
  assert.deepEqual(nextSteps({}, {}, false), [link, secrets, deploy]);
  assert.deepEqual(nextSteps({}, {}, true), [`${link} && ${push}`, secrets, deploy]);
  assert.deepEqual(nextSteps({}, { ref: REF }, true), [push, secrets, deploy]);
  const health = `curl https://${REF}.supabase.co/functions/v1/relay/health`;
  assert.deepEqual(nextSteps({}, { ref: REF }, false), [secrets, deploy, health]);
});

Deno.test("the page is config.toml's site, where that is not this machine", () => {
  const origins = (url: string) => nextSteps(parse(`[auth]\nsite_url = "${url}"`), {}, false)[1];
  assert.match(
    origins("https://app.example.com/start"),
    /RELAY_ORIGINS=https:\/\/app\.example\.com$/,
  );
  for (const url of ["http://127.0.0.1:3000", "https://localhost", "env(SITE_URL)", ""]) {
    assert.match(origins(url), /RELAY_ORIGINS=https:\/\/<your page>$/);
  }
});

Deno.test("third-party sign-ins that are on become RELAY_ISSUERS", () => {
  const [, secrets] = nextSteps(parse(THIRD), {}, false);
  const [, json] = /RELAY_ISSUERS='(.*)'$/.exec(secrets)!;
  assert.deepEqual(JSON.parse(json), [
    { issuer: "https://clerk.example.com", audience: "any" },
    { issuer: "https://securetoken.google.com/<project_id>", audience: "<project_id>" },
  ]);
  assert.match(
    snippet(parse(THIRD), {}),
    /createClient\(url, publishableKey, { accessToken: token, /,
  );
});

Deno.test("a config.toml cannot put a command into the one that is printed", () => {
  const toml = `[auth.third_party.clerk]\nenabled = true\ndomain = "x'; rm -rf $(pwd) #"`;
  const [, secrets] = nextSteps(parse(toml), {}, false);
  assert.match(secrets, /RELAY_ISSUERS='\[{"issuer":"https:\/\/xrm-rfpwd","audience":"any"}\]'$/);
});

Deno.test("settings of config.toml that keep the relay from working are told", () => {
  const told = (toml: string) => hints(parse(toml), {}).slice(0, -1).join("\n");
  assert.equal(told(""), "");
  assert.match(told("[functions.relay]\nenabled = false"), /will not be deployed/);
  assert.match(told('[functions.relay]\nentrypoint = "./x.ts"'), /entrypoint = "\.\/x\.ts"/);
  assert.equal(told('[functions.relay]\nentrypoint = "./functions/relay/index.ts"'), "");
  assert.match(told('[edge_runtime]\npolicy = "oneshot"'), /Take "per_worker"/);
});

Deno.test("the version of supabase-js that a project has is spoken of", () => {
  const about = (range?: string) =>
    aboutVersion({ supabaseJs: range === undefined ? undefined : { range, file: "" } });
  const newer = "with @supabase/supabase-js 2.57 or newer";
  assert.equal(about(), newer);
  assert.equal(about("^2.57.4"), "with @supabase/supabase-js ^2.57.4");
  assert.equal(about("2"), "with @supabase/supabase-js 2");
  assert.equal(about("~2.49.4"), `${newer} (~2.49.4 is too old)`);
  assert.equal(about("^1.99.7"), `${newer} (^1.99.7 is too old)`);
  assert.equal(about("workspace:*"), "with @supabase/supabase-js workspace:*");
});
