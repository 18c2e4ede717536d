import assert from "node:assert/strict";
import { isListed } from "../../supabase/functions/relay/config/origin.ts";
import {
  closeForClient,
  closeForUpstream,
  closeOf,
  closeWhenQuiet,
  cutReason,
} from "../../supabase/functions/relay/peer/close.ts";
import { ConfigError, readConfig } from "../../supabase/functions/relay/config/config.ts";
import { answeredProtocol } from "../../supabase/functions/relay/door/credential.ts";
import { offeredProtocols } from "../../supabase/functions/relay/door/places.ts";
import { causeOf, codes, RelayError } from "../../supabase/functions/relay/errors.ts";
import { CLOSED, CONNECTING, OPEN, type Socket } from "../../supabase/functions/relay/runtime.ts";
import {
  broadcastUrl,
  upstreamUrl,
  wireOf,
} from "../../supabase/functions/relay/realtime/upstream.ts";
import { FakeTime } from "../support/fake_time.ts";

const ENV = { SUPABASE_URL: "https://abc.supabase.co", SUPABASE_ANON_KEY: "anon" };
const bytes = (text: string) => new TextEncoder().encode(text).length;

Deno.test("every close reason fits a close frame and says what to do", () => {
  for (const code of codes) {
    const { code: closeCode, reason } = closeOf(new RelayError(code, "x"));
    assert.ok(bytes(reason) <= 123, `${code}: ${bytes(reason)} bytes`);
    assert.match(reason, new RegExp(`^${code}: [A-Z].*\\.$`));
    assert.ok([1011, 1012].includes(closeCode) || (closeCode >= 4400 && closeCode < 4600));
  }
});

Deno.test("a long reason is cut at 123 bytes and never through a character", () => {
  assert.equal(cutReason("x".repeat(124)), "x".repeat(123));
  assert.equal(cutReason("x".repeat(122) + "é"), "x".repeat(122));
  assert.equal(cutReason("😀".repeat(40)), "😀".repeat(30));
});

Deno.test("a close code that may not be sent never is", () => {
  const lost = new RelayError("upstream_lost", "x");
  for (let code = 0; code < 5100; code++) {
    const client = closeForClient({ code, reason: "" }, lost).code;
    const may = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013];
    assert.ok(may.includes(client) || (client >= 3000 && client <= 4999), `client ${code}`);
    const upstream = closeForUpstream({ code, reason: "" }).code;
    assert.ok(upstream === 1000 || (upstream >= 3000 && upstream <= 4999), `upstream ${code}`);
  }
});

/** A client's socket that tells when, in milliseconds, it was closed. */
function startClosing(time: FakeTime, readyState: number) {
  const events = new EventTarget();
  const closed: unknown[] = [];
  const socket = Object.assign(events, {
    readyState,
    close: (...close: unknown[]) => closed.push([time.now, ...close]),
  });
  closeWhenQuiet(socket as unknown as Socket, { code: 4403, reason: "why" });
  return { socket, closed, speak: () => events.dispatchEvent(new Event("message")) };
}

Deno.test("a client is closed once it has said nothing for 50 ms", () => {
  using time = new FakeTime();
  const { closed, speak } = startClosing(time, OPEN);
  for (const at of [30, 60, 140]) {
    time.until(at);
    speak();
  }
  time.until(1_000);
  assert.deepEqual(closed, [[200, 4403, "why"]]);
});

Deno.test("what a client said while a timer was late is heard before its close", () => {
  using time = new FakeTime();
  const { closed, speak } = startClosing(time, OPEN);
  time.until(49);
  setTimeout(speak, 1);
  time.until(1_000);
  assert.deepEqual(closed, [[100, 4403, "why"]]);
});

Deno.test("a client that never stops speaking is closed after 500 ms", () => {
  using time = new FakeTime();
  const { closed, speak } = startClosing(time, OPEN);
  for (let at = 0; at < 1_000; at += 10) {
    time.until(at);
    speak();
  }
  assert.deepEqual(closed[0], [500, 4403, "why"]);
});

Deno.test("a client that is not open yet is closed when it is, one that left is not", () => {
  using time = new FakeTime();
  const { socket, closed } = startClosing(time, CONNECTING);
  time.until(1_000);
  assert.deepEqual(closed, []);
  socket.readyState = OPEN;
  socket.dispatchEvent(new Event("open"));
  time.until(2_000);
  assert.deepEqual(closed, [[1_050, 4403, "why"]]);
  const left = startClosing(time, OPEN);
  left.socket.readyState = CLOSED;
  time.until(3_000);
  assert.deepEqual(left.closed, []);
});

Deno.test("what caused a refusal is told without a token, a key or a query", () => {
  const cause = new TypeError(
    "GET https://a.test/x?apikey=k failed: eyJhbGciOi.eyJzdWIiOi.abc sb_x",
  );
  assert.equal(
    causeOf(new RelayError("internal", "x", { cause })),
    "TypeError: GET https://a.test/x(hidden) failed: (hidden) (hidden)",
  );
});

Deno.test("nor with the user and the password of a URL", () => {
  const told = (text: string) =>
    causeOf(new RelayError("internal", "x", { cause: new Error(text) }));
  const cases = [
    ["URL: http://admin:p-w.1@a.test/x", "URL: http://(hidden)@a.test/x"],
    ["URL: https://admin@a.test:1/x?a=b", "URL: https://(hidden)@a.test:1/x(hidden)"],
    ["wss://a:p@w@a.test", "wss://(hidden)@a.test"],
    ["to http://a.test/@b from c@d.test", "to http://a.test/@b from c@d.test"],
  ];
  for (const [text, shown] of cases) assert.equal(told(text), `Error: ${shown}`);
});

Deno.test("only what was offered is answered, the public name first", () => {
  const cases: [string, string | undefined][] = [
    ["jwt-a, realtime-relay.v1", "realtime-relay.v1"],
    ["phoenix,base64url.bearer.phx.YQ", "phoenix"],
    ["phoenix, realtime-relay.v1", "realtime-relay.v1"],
    ["realtime-relay.v2, realtime-relay.v1, jwt-a", "realtime-relay.v2"],
    ["realtime-relay.v1,realtime-relay.v2", "realtime-relay.v2"],
    ["realtime-relay.v3, jwt-a", "jwt-a"],
    ["other, jwt-a", "jwt-a"],
    ["other", undefined],
    ["", undefined],
  ];
  for (const [offered, answered] of cases) {
    const headers = new Headers({ "sec-websocket-protocol": offered });
    assert.equal(answeredProtocol(offeredProtocols(headers)), answered);
  }
});

Deno.test("nothing of the client's query goes upstream but vsn and log_level", () => {
  const config = readConfig(ENV);
  const client = new URL(
    "http://x/relay?vsn=2.0.0&log_level=info&jwt=t&apikey=k&eventsPerSecond=9",
  );
  assert.equal(
    upstreamUrl(config, wireOf(client)).href,
    "wss://abc.supabase.co/realtime/v1/websocket?apikey=anon&vsn=2.0.0&log_level=info",
  );
  assert.equal(
    upstreamUrl(config, wireOf(new URL("http://x/relay?log_level=%0aevil"))).search,
    "?apikey=anon&vsn=1.0.0",
  );
});

Deno.test("a project below a path keeps its path; http is dialled as ws", () => {
  const config = readConfig({ ...ENV, SUPABASE_URL: "http://kong:8000/base/" });
  assert.match(
    upstreamUrl(config, wireOf(new URL("http://x/"))).href,
    /^ws:\/\/kong:8000\/base\/realtime\//,
  );
  assert.equal(
    broadcastUrl(config, { topic: "../a b", event: "e/../x", isPrivate: false }).href,
    "http://kong:8000/base/realtime/v1/api/broadcast/..%2Fa%20b/events/e%2F..%2Fx",
  );
});

Deno.test("origins match exactly or below a wildcard's domain", () => {
  const { origins } = readConfig({ ...ENV, RELAY_ORIGINS: "https://a.test,https://*.b.test" });
  const allowed = ["https://a.test", "https://x.b.test", "https://x.y.b.test"];
  const refused = [
    ...["http://a.test", "https://a.test:444", "https://b.test", "https://xb.test", "null"],
    ...[
      "https://evil/.b.test",
      "https://evil?.b.test",
      "https://x.b.test.evil",
      "https://.b.test@e",
    ],
  ];
  for (const origin of allowed) assert.ok(isListed(origin, origins), origin);
  for (const origin of refused) assert.ok(!isListed(origin, origins), origin);
});

Deno.test("all configuration errors are told at once, without values of keys", () => {
  const thrown = () =>
    readConfig({
      SUPABASE_URL: "abc",
      SUPABASE_PUBLISHABLE_KEYS: "{",
      SUPABASE_ANON_KEY: "sb_secret_hidden",
      SUPABASE_JWKS: "[1]",
      RELAY_ANONYMOUS: "maybe",
      RELAY_ORIGINS: "example.com",
      RELAY_REFUSAL_MAX: "-1",
      PORT: "http",
    });
  assert.throws(thrown, (error: ConfigError) => {
    const named = error.problems.map((problem) => problem.split(":")[0]).sort();
    assert.deepEqual(named, [
      ...["PORT", "RELAY_ANONYMOUS", "RELAY_ORIGINS", "RELAY_REFUSAL_MAX", "SUPABASE_ANON_KEY"],
      ...["SUPABASE_JWKS", "SUPABASE_PUBLISHABLE_KEYS", "SUPABASE_URL"],
    ]);
    assert.doesNotMatch(error.message, /hidden|undefined/);
    assert.match(error.message, /RELAY_ANONYMOUS: got maybe, wants allow, join or refuse/);
    return true;
  });
});

Deno.test("empty variables count as absent", () => {
  const config = readConfig({
    ...ENV,
    SUPABASE_PUBLISHABLE_KEYS: "",
    RELAY_ANONYMOUS: " ",
    RELAY_AUDIENCE: "",
  });
  assert.deepEqual([config.anonymous, config.audiences], ["join", ["authenticated"]]);
  assert.throws(
    () => readConfig({ ...ENV, SUPABASE_ANON_KEY: "" }),
    /SUPABASE_PUBLISHABLE_KEYS: got nothing/,
  );
  assert.throws(() => readConfig({}), (error: ConfigError) => error.problems.length === 2);
});

Deno.test("an empty publishable key, as a self-hosted project may hand in, is no key", () => {
  const empty = { SUPABASE_PUBLISHABLE_KEYS: '{"default":" ","web":""}' };
  const config = readConfig({ ...ENV, ...empty });
  assert.deepEqual([config.upstreamKey, config.publicKeys], ["anon", ["anon"]]);
  assert.throws(
    () => readConfig({ ...ENV, ...empty, SUPABASE_ANON_KEY: "" }),
    /SUPABASE_PUBLISHABLE_KEYS: got a value that is not shown/,
  );
});

Deno.test("the default publishable key goes upstream and all of them are known", () => {
  const config = readConfig({
    ...ENV,
    SUPABASE_PUBLISHABLE_KEYS: '{"mobile":"sb_publishable_m","default":"sb_publishable_d"}',
  });
  assert.equal(config.upstreamKey, "sb_publishable_d");
  assert.deepEqual(config.publicKeys, ["sb_publishable_d", "sb_publishable_m", "anon"]);
});
