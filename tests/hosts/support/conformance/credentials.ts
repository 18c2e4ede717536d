import assert from "node:assert/strict";
import type { ConnectOptions } from "../../../support/client.ts";
import { inSeconds, SECRET_KEY, sign, unsigned } from "../../../support/tokens.ts";
import { openRaw, PATH, type Sentences, type Stage } from "./stage.ts";

type Carrier = ConnectOptions & { query: string };

/** Each way to bring a token, and the subprotocol that is answered. */
const carriers: [string, (token: string) => Carrier, (token: string) => string][] = [
  ["query jwt", (token) => ({ query: `&jwt=${token}` }), () => ""],
  ["query apikey", (token) => ({ query: `&apikey=${token}` }), () => ""],
  [
    "subprotocol",
    (token) => ({ query: "", protocols: [`jwt-${token}`] }),
    (token) => `jwt-${token}`,
  ],
  [
    "subprotocol behind the public one",
    (token) => ({ query: "", protocols: ["realtime-relay.v1", `jwt-${token}`] }),
    () => "realtime-relay.v1",
  ],
  [
    "subprotocol behind the public ones",
    (token) => ({
      query: "",
      protocols: ["realtime-relay.v2", "realtime-relay.v1", `jwt-${token}`],
    }),
    () => "realtime-relay.v2",
  ],
  [
    "subprotocol of phoenix.js",
    (token) => ({
      query: "",
      protocols: ["phoenix", `base64url.bearer.phx.${btoa(token).replace(/=+$/, "")}`],
    }),
    () => "phoenix",
  ],
  [
    "bearer header",
    (token) => ({ query: "", headers: { authorization: `Bearer ${token}` } }),
    () => "",
  ],
];

/** What is refused: name, code, HTTP status, query. */
async function refusals(): Promise<[string, string, number, string][]> {
  const [good, bob] = [await sign(), await sign({ sub: "b0b" })];
  const expired = await sign({ exp: inSeconds(-1) });
  const service = await sign({ role: "service_role" });
  return [
    ["no token", "token_missing", 401, ""],
    ["garbage", "token_malformed", 401, "&jwt=garbage"],
    ["wrong signature", "token_signature", 401, `&jwt=${await sign({}, "another-secret")}`],
    ["alg none", "token_algorithm", 401, `&jwt=${unsigned()}`],
    ["expired", "token_expired", 401, `&jwt=${expired}`],
    ["wrong audience", "token_audience", 401, `&jwt=${await sign({ aud: "others" })}`],
    ["two tokens", "two_tokens", 409, `&jwt=${good}&jwt=${bob}`],
    ["another project's key", "key_unknown", 401, "&apikey=sb_publishable_no"],
    ["secret key beside a token", "secret_key", 403, `&jwt=${good}&apikey=${SECRET_KEY}`],
    ["service_role", "secret_key", 403, `&jwt=${service}`],
  ];
}

async function assertRefused(
  { address, open }: Stage,
  [name, code, status, query]: Awaited<ReturnType<typeof refusals>>[number],
): Promise<void> {
  const { closed } = await open({ query });
  const verdict = await fetch(`http://${address}${PATH}${query}`);
  assert.deepEqual([verdict.status, (await verdict.json()).code], [status, code], name);
  const { code: closeCode, reason } = await closed;
  assert.equal(closeCode, 4000 + status, name);
  assert.ok(reason.startsWith(`${code}: `), `${name}: ${reason}`);
}

export const credentials: Sentences = {
  async "each token form opens a socket and gets its subprotocol"({ open }) {
    const token = await sign();
    for (const [name, carry, answered] of carriers) {
      const client = await open(carry(token));
      assert.equal(await client.opened, answered(token), name);
      client.socket.close();
      await client.closed;
    }
  },

  async "a list of subprotocols without spaces is served"(stage) {
    const list = `Sec-WebSocket-Protocol: realtime-relay.v1,jwt-${await sign()}`;
    const { connection, head } = await openRaw(stage, "", list);
    connection.close();
    assert.match(head, /^HTTP\/1.1 101 /);
    assert.match(head, /sec-websocket-protocol: realtime-relay\.v1\r\n/i);
  },

  async "a refused credential is told by its close code, and by GET in full"(stage) {
    const dials = stage.upstream.dials();
    await Promise.all((await refusals()).map((refusal) => assertRefused(stage, refusal)));
    assert.equal(stage.upstream.dials(), dials, "upstream was dialled");
  },

  async "a refused socket answers joins before it is closed"({ open }) {
    const client = await open({ query: "" });
    await client.opened;
    client.send('["1","2","realtime:a","phx_join",{"config":{}}]');
    const [joinRef, ref, topic, event, { status, response }] = JSON.parse(
      await client.next() as string,
    );
    assert.deepEqual([joinRef, ref, topic, event], ["1", "2", "realtime:a", "phx_reply"]);
    assert.equal(status, "error");
    assert.match(response.reason, /^token_missing: /);
    assert.equal((await client.closed).code, 4401);
  },
};
