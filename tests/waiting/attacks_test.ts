import assert from "node:assert/strict";
import fc from "fast-check";
import { record } from "../support/attack.ts";
import { type Client, connect } from "../support/client.ts";
import { inTime } from "../support/in_time.ts";
import { nodeHost } from "../support/node_host.ts";
import { RawSocket } from "../support/raw_socket.ts";
import { LONG } from "../support/long.ts";
import { hosts, testOnHosts } from "../support/relay_host.ts";
import { type RelayOptions, type ServedRelay, withRelay } from "../support/served_relay.ts";
import { PUBLISHABLE_KEY, sign } from "../support/tokens.ts";

function testAttack(
  name: string,
  options: RelayOptions,
  test: (served: ServedRelay) => Promise<void>,
): void {
  testOnHosts(
    name,
    (host) => withRelay(host, options, (served) => inTime(test(served), name)),
    LONG ? [...hosts, nodeHost] : [hosts[0]],
  );
}

const urlOf = ({ relay }: ServedRelay) =>
  `ws://${relay.address}/functions/v1/relay/websocket?apikey=${PUBLISHABLE_KEY}&vsn=2.0.0`;

async function open(served: ServedRelay): Promise<Client> {
  const client = connect(urlOf(served));
  await client.opened;
  return client;
}

const join = (topic: string, ref: string, access_token?: string) =>
  JSON.stringify([ref, ref, `realtime:${topic}`, "phx_join", { config: {}, access_token }]);
const leave = (topic: string, join_ref: string, ref: string) =>
  JSON.stringify([join_ref, ref, `realtime:${topic}`, "phx_leave", {}]);
const push = (topic: string, access_token: unknown) =>
  JSON.stringify([null, "p", `realtime:${topic}`, "access_token", { access_token }]);

/** The sockets that have a place, by what they do there; those of which there are any. */
async function places({ relay }: ServedRelay): Promise<Record<string, number>> {
  const { sockets } = await (await fetch(`http://${relay.address}/relay/health`)).json();
  const { most: _most, served: _served, ...counts } = sockets;
  return Object.fromEntries(Object.entries(counts).filter(([, n]) => n)) as Record<string, number>;
}

async function until(test: () => boolean | Promise<boolean>): Promise<void> {
  while (!await test()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const isEmpty = (served: ServedRelay) => async () => Object.keys(await places(served)).length === 0;

testAttack("who is dialled for when the worker ends is told to come back", {
  refuse: () => new Promise<Response>(() => {}),
  env: { RELAY_DIAL_TIMEOUT_MS: "60000" },
}, async (served) => {
  const client = await open(served);
  client.send(join("a", "1", await sign()));
  await until(() => served.upstream.dials() === 1);
  served.relay.signal("SIGTERM");
  assert.equal((await client.closed).code, 1012);
});

const gate = { opened: Promise.withResolvers<void>() };

testAttack("who left while Realtime was dialled has no place any more when that fails", {
  async refuse() {
    await gate.opened.promise;
    return new Response(null, { status: 403 });
  },
  env: { RELAY_REFUSAL_DELAY_MS: "60000" },
}, async (served) => {
  gate.opened = Promise.withResolvers();
  const client = await open(served);
  client.send(join("a", "1", await sign()));
  await until(() => served.upstream.dials() === 1);
  client.socket.close();
  await client.closed;
  gate.opened.resolve();
  await served.relay.line(({ code }) => code === "upstream_refused");
  await inTime(until(isEmpty(served)), "its place comes back", 5_000);
});

testAttack("who has a token and finds no room for its refusal keeps its place until it is gone", {
  ...record(),
  env: { RELAY_REFUSAL_MAX: "0", RELAY_MAX_SOCKETS_PER_USER: "1" },
}, async (served) => {
  const first = await open(served);
  first.send(join("a", "1", await sign()));
  await first.next();
  // It reads nothing, so it does not answer its close either.
  using mute = await RawSocket.open(urlOf(served));
  await mute.sendText(join("a", "1", await sign()));
  await served.relay.line(({ code }) => code === "too_many_user_sockets");
  assert.deepEqual(await places(served), { open: 1, waiting: 1 });
});

testAttack(
  "a token on one topic lets in the joins of all, in order, but not one that was left",
  record(),
  async (served) => {
    const client = await open(served);
    for (const topic of ["a", "b", "c"]) client.send(join(topic, topic, PUBLISHABLE_KEY));
    client.send(leave("b", "b", "l"));
    client.send(push("nowhere", await sign()));
    const refs: string[] = [];
    while (refs.length < 3) {
      const [, ref, , event, { status }] = JSON.parse(String(await client.next()));
      if (event === "phx_reply") refs.push(`${ref} ${status}`);
    }
    assert.deepEqual(refs, ["l ok", "a ok", "c ok"]);
  },
);

testAttack(
  "all places come back when all are gone, however they went",
  record(),
  async (served) => {
    const token = await sign();
    for (let n = 0; n < 5; n++) {
      const [idle, joins, checked, bad] = await Promise.all(
        Array.from({ length: 4 }, () => open(served)),
      );
      joins.send(join("a", "1"));
      checked.send(join("a", "1", token));
      bad.send(join("a", "1", "e.e.e"));
      for (const { socket } of [idle, joins, checked, bad]) socket.close();
      // The head of a frame whose rest never comes.
      using half = await RawSocket.open(urlOf(served));
      await half.wire.send(new Uint8Array([0x81, 0xfe, 0x10]));
    }
    await until(isEmpty(served));
  },
);

testAttack("no frame, however odd, ends a worker or another's wait", {
  ...record(),
}, async (served) => {
  const other = await open(served);
  const value = fc.oneof(
    fc.constantFrom("phx_join", "access_token", "phx_leave", "heartbeat", "phoenix", "realtime:a"),
    fc.constantFrom(PUBLISHABLE_KEY, "a.b.c", "__proto__", "\ud800", null, 1e309, -0, true),
    fc.jsonValue({ maxDepth: 3 }),
  );
  const payload = fc.oneof(
    value,
    fc.record({ config: value, access_token: value, user_token: value }, { requiredKeys: [] }),
  );
  const event = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("phx_join", "access_token") },
    value,
  );
  const frame = fc.tuple(value, value, value, event, payload).map((it) => JSON.stringify(it));
  const cut = fc.tuple(frame, fc.nat(60)).map(([text, n]) => text.slice(0, -n));
  const lists = fc.sample(fc.array(fc.oneof(frame, cut), { maxLength: 30 }), 60);
  for (const list of lists) {
    const client = await open(served);
    for (const text of list) client.send(text);
    client.socket.close();
    await client.closed;
  }
  const internal = served.relay.output.filter((line) => line.includes('"internal"'));
  assert.deepEqual(internal, []);
  other.send('[null,"h","phoenix","heartbeat",{}]');
  assert.match(String(await other.next()), /"ok"/);
});

testOnHosts(
  "who was told to go and does not is cut long before others have waited in vain",
  (host) => {
    const options = { ...record(), env: { RELAY_WAITING_MAX: "5" } };
    return withRelay(host, options, async (served) => {
      const mutes: RawSocket[] = [];
      try {
        // Ten wait, who came together, and five are told to go.
        for (let n = 0; n < 15; n++) mutes.push(await RawSocket.open(urlOf(served)));
        await until(async () => (await places(served)).waiting === 15);
        const start = performance.now();
        await inTime(until(async () => (await places(served)).waiting === 10), "five are cut");
        const cut = performance.now() - start;
        await inTime(
          served.relay.line(({ code }) => code === "token_missing"),
          "ten wait in vain",
        );
        const waited = performance.now() - start;
        assert.ok(
          3 * cut < waited,
          `cut after ${cut} ms, and others had waited after ${waited} ms`,
        );
      } finally {
        for (const { wire } of mutes) wire.close();
      }
    });
    // Deno cannot cut a connection.
  },
  [nodeHost],
);
