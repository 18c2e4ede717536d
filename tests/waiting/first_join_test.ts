import assert from "node:assert/strict";
import { type Client, connect } from "../support/client.ts";
import { record } from "../support/attack.ts";
import { inTime } from "../support/in_time.ts";
import { type RelayOptions, type ServedRelay, withRelay } from "../support/served_relay.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { ALICE, PUBLISHABLE_KEY, SECRET_KEY, sign } from "../support/tokens.ts";
import { OPENINGS } from "./support/openings.ts";

function testJoin(
  name: string,
  options: RelayOptions,
  test: (served: ServedRelay) => Promise<void>,
): void {
  testOnNewest(name, (host) => withRelay(host, options, (served) => inTime(test(served), name)));
}

const PATH = "/functions/v1/relay/websocket";

/** Opens a socket with the public key alone. */
function open(
  { relay }: Pick<ServedRelay, "relay">,
  query = `apikey=${PUBLISHABLE_KEY}&vsn=2.0.0`,
  headers?: Record<string, string>,
): Client {
  return connect(`ws://${relay.address}${PATH}?${query}`, { headers });
}

async function health({ relay }: ServedRelay): Promise<Record<string, number>> {
  const response = await fetch(`http://${relay.address}/relay/health`);
  return (await response.json()).sockets;
}

const join = (topic: string, ref: string, access_token?: string) =>
  JSON.stringify([ref, ref, `realtime:${topic}`, "phx_join", { config: {}, access_token }]);
const push = (topic: string, access_token: string | null) =>
  JSON.stringify([null, "9", `realtime:${topic}`, "access_token", { access_token }]);
const HEARTBEAT = '[null,"h","phoenix","heartbeat",{}]';

/** Status and reason of the reply to this ref; what comes before it is passed over. */
async function replyTo(client: Client, ref: string): Promise<[string, string]> {
  for (;;) {
    const frame = JSON.parse(String(await client.next()));
    const [, to, , event, payload] = Array.isArray(frame)
      ? frame
      : [null, frame.ref, frame.topic, frame.event, frame.payload];
    if (event === "phx_reply" && String(to) === ref) {
      return [payload.status, payload.response.reason];
    }
  }
}

testJoin(
  "a socket of every SDK becomes its user's by the first token",
  record(),
  async (served) => {
    const token = await sign();
    const fill = (text: string) =>
      text.replaceAll("KEY", PUBLISHABLE_KEY).replaceAll("TOKEN", token);
    for (const { sdk, query, headers = {}, frames, ref } of OPENINGS) {
      const filled = Object.entries(headers).map(([name, value]) => [name, fill(value)]);
      const client = open(served, fill(query), Object.fromEntries(filled));
      await client.opened;
      for (const frame of frames) client.send(fill(frame));
      assert.deepEqual(await replyTo(client, ref), ["ok", undefined], sdk);
      client.socket.close();
      await client.closed;
    }
    const opened = served.relay.output.filter((line) => line.includes(ALICE));
    assert.equal(opened.length, OPENINGS.length, "each is logged as its user's");
  },
);

testJoin(
  "nothing is dialled for who waits, and its heartbeats are answered",
  record(),
  async (served) => {
    const client = open(served);
    await client.opened;
    client.send(HEARTBEAT);
    assert.deepEqual(await replyTo(client, "h"), ["ok", undefined]);
    assert.deepEqual([served.upstream.dials(), (await health(served)).waiting], [0, 1]);
    client.send(join("a", "1", await sign()));
    await replyTo(client, "1");
    assert.equal(served.upstream.dials(), 1);
    const { waiting, open: opened } = await health(served);
    assert.deepEqual([waiting, opened], [0, 1]);
  },
);

testJoin(
  "a join without a token waits a second for it, and is then told so",
  record(),
  async (served) => {
    const late = open(served);
    await late.opened;
    late.send(join("a", "1"));
    late.send('[null,"2","realtime:b","broadcast",{}]');
    assert.deepEqual(await replyTo(late, "2"), ["error", "unmatched topic"]);
    const [status, reason] = await replyTo(late, "1");
    assert.equal(status, "error");
    assert.match(reason, /^token_missing: /);
    late.send(join("a", "3", PUBLISHABLE_KEY));
    late.send(push("a", await sign()));
    assert.deepEqual(await replyTo(late, "3"), ["ok", undefined]);
  },
);

testJoin(
  "a bad token is told on its channel, and a good one lets in after it",
  record(),
  async (served) => {
    const client = open(served);
    await client.opened;
    client.send(join("a", "1", await sign({ exp: 1 })));
    client.send(join("b", "2", "no.token.atall"));
    client.send(push("c", await sign({}, "another secret")));
    client.send(join("d", "4", await sign()));
    assert.match((await replyTo(client, "1"))[1], /^token_expired: /);
    assert.match((await replyTo(client, "2"))[1], /^token_malformed: /);
    assert.deepEqual(await replyTo(client, "4"), ["ok", undefined]);
  },
);

testJoin("a hundred channels come back at once, in their order", {
  ...record(),
}, async (served) => {
  const token = await sign();
  const client = open(served);
  await client.opened;
  for (let n = 0; n < 100; n++) client.send(join(`t${n}`, `${n}`, token));
  for (let n = 0; n < 100; n++) assert.deepEqual(await replyTo(client, `${n}`), ["ok", undefined]);
});

testJoin("what comes while Realtime is dialled is bounded", {
  refuse: () => new Promise<Response>(() => {}),
}, async (served) => {
  const token = await sign();
  const client = open(served);
  await client.opened;
  client.send(join("a", "0", token));
  for (let n = 0; n < 300; n++) client.send(join(`t${n}`, `${n}`, token));
  assert.equal((await client.closed).code, 4413);
});

testJoin("a secret key is refused, and the socket goes", record(), async (served) => {
  for (const key of [SECRET_KEY, await sign({ role: "service_role" })]) {
    const client = open(served);
    await client.opened;
    client.send(join("a", "1", key));
    assert.equal((await client.closed).code, 4403);
  }
});

testJoin("where Realtime is not there, the joins are told and the socket is closed with why", {
  refuse: () => new Response(null, { status: 403 }),
}, async (served) => {
  const client = open(served);
  await client.opened;
  client.send(join("a", "1", await sign()));
  assert.match((await replyTo(client, "1"))[1], /^upstream_refused: /);
  assert.equal((await client.closed).code, 4502);
});

testJoin("the oldest that waits gives way; who brings a token is never kept out", {
  ...record(),
  env: { RELAY_WAITING_MAX: "5", RELAY_REFUSAL_MAX: "1" },
}, async (served) => {
  const token = await sign();
  const strangers: Client[] = [];
  for (let n = 0; n < 40; n++) {
    const stranger = open(served);
    strangers.push(stranger);
    await stranger.opened;
    // Within two seconds of their opening twice as many are left alone.
    if (n >= 10) await strangers[n - 10].closed;
  }
  const user = open(served);
  await user.opened;
  user.send(join("a", "1", token));
  assert.deepEqual(await replyTo(user, "1"), ["ok", undefined]);
  const codes = await Promise.all(
    strangers.slice(0, 30).map(async ({ closed }) => (await closed).code),
  );
  assert.deepEqual([...new Set(codes)], [4429]);
  const { waiting, refused } = await health(served);
  assert.ok(waiting <= 10, `${waiting} wait`);
  assert.equal(refused, 0, "they take no place of refused ones");
});

testJoin("of one address sixteen wait that came together", {
  ...record(),
  env: { RELAY_TRUSTED_PROXIES: "1" },
}, async (served) => {
  const from = (address: string) => open(served, undefined, { "x-forwarded-for": address });
  const other = from("192.0.2.2");
  const many = Array.from({ length: 20 }, () => from("192.0.2.1"));
  await Promise.all([other, ...many].map(({ opened }) => opened));
  const first = many.map(({ closed }) => closed);
  const codes = [];
  for (let n = 0; n < 4; n++) {
    const [index, { code }] = await Promise.race(
      first.map(async (closed, index) => [index, await closed] as const),
    );
    first.splice(index, 1);
    codes.push(code);
  }
  assert.deepEqual(codes, [4429, 4429, 4429, 4429]);
  assert.equal((await health(served)).waiting, 17);
  other.send(HEARTBEAT);
  assert.deepEqual(await replyTo(other, "h"), ["ok", undefined]);
});

testJoin("who signs out is told as who is refused is: joins at once, and the close later", {
  ...record(),
  env: { RELAY_REFUSAL_DELAY_MS: "1500" },
}, async (served) => {
  const client = open(served);
  await client.opened;
  client.send(join("a", "1", await sign()));
  await replyTo(client, "1");
  client.send(push("a", PUBLISHABLE_KEY));
  client.send(join("a", "2", PUBLISHABLE_KEY));
  const start = performance.now();
  assert.match((await replyTo(client, "2"))[1], /^signed_out: /);
  const told = performance.now() - start;
  assert.equal((await client.closed).code, 4401);
  assert.ok(performance.now() - start > 2 * told, "it was closed at once");
});

testJoin("who waits when the worker ends is told to come back", record(), async (served) => {
  const client = open(served);
  await client.opened;
  client.send(HEARTBEAT);
  await replyTo(client, "h");
  served.relay.signal("SIGTERM");
  assert.equal((await client.closed).code, 1012);
});

testJoin(
  "a GET says that the first join is to bring a token; a broadcast by a key is refused",
  record(),
  async ({ relay }) => {
    const verdict = await fetch(`http://${relay.address}/relay?apikey=${PUBLISHABLE_KEY}`);
    const { code, message } = await verdict.json();
    assert.deepEqual([verdict.status, code], [426, "upgrade_required"]);
    assert.match(message, /first join/);
    const body = JSON.stringify({ messages: [] });
    const headers = { apikey: PUBLISHABLE_KEY, "content-type": "application/json" };
    const url = `http://${relay.address}/relay/api/broadcast`;
    const broadcast = await fetch(url, { method: "POST", headers, body });
    assert.equal((await broadcast.json()).code, "anonymous_refused");
  },
);
