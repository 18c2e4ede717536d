import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Vsn } from "../../supabase/functions/relay/realtime/upstream.ts";
import { type Client, connect } from "../support/client.ts";
import { inTime } from "../support/in_time.ts";
import { type RelayProcess, testOnNewest } from "../support/relay_host.ts";
import { type RelayOptions, type ServedRelay, withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";

/** How much faster the relay's clock goes where a test waits for what happens every 25 s. */
const SPEED = 20;
const HURRY = [fileURLToPath(new URL("support/hurry.ts", import.meta.url)), String(SPEED)];
/** For how long upstream and a client may do nothing, on that clock: a machine that is busy is slow. */
const PATIENT = { RELAY_DIAL_TIMEOUT_MS: "60000", RELAY_MAX_SILENCE_S: "3600" };

/** Registers a test on both Denos. */
function testLife(
  name: string,
  options: RelayOptions,
  test: (served: ServedRelay) => Promise<void>,
) {
  testOnNewest(name, (host) => withRelay(host, options, (served) => inTime(test(served), name)));
}

const frame = (vsn: Vsn, ref: string | null, topic: string, event: string, payload: unknown) =>
  vsn === "2.0.0"
    ? JSON.stringify([null, ref, topic, event, payload])
    : JSON.stringify({ ref, event, topic, payload });

const join = (vsn: Vsn) => frame(vsn, "1", "realtime:a", "phx_join", { config: {} });

/** The ref and event of a frame. */
function read(vsn: Vsn, text: unknown): [string, string] {
  const value = JSON.parse(String(text));
  return vsn === "2.0.0" ? [value[1], value[3]] : [value.ref, value.event];
}

/** Answers as Realtime does, and then tells what it answered; says nothing to log_level=error. */
function answer(socket: WebSocket, { url }: Request): void {
  const query = new URL(url).searchParams;
  const vsn = query.get("vsn") as Vsn;
  socket.onmessage = ({ data }) => {
    if (query.get("log_level") === "error") return;
    const [ref, event] = read(vsn, data);
    socket.send(frame(vsn, ref, "phoenix", "phx_reply", { status: "ok", response: {} }));
    socket.send(frame(vsn, null, "realtime:a", "seen", { ref, event }));
  };
}

testLife(
  "the relay speaks for a silent client, up to a bound",
  // Just before the third heartbeat, so that a busy machine is late for none of the two.
  { env: { ...PATIENT, RELAY_MAX_SILENCE_S: "74" }, entry: HURRY, onSocket: answer },
  async ({ urlWith }) => {
    const token = await sign();
    async function assertSpokenFor(vsn: Vsn) {
      const client = connect(urlWith(token, vsn));
      await client.opened;
      client.send(join(vsn));
      assert.deepEqual(read(vsn, await client.next()), ["1", "phx_reply"]);
      for (const ref of ["1", "relay:1", "relay:2"]) {
        const event = ref === "1" ? "phx_join" : "heartbeat";
        const seen = frame(vsn, null, "realtime:a", "seen", { ref, event });
        assert.equal(await client.next(), seen, "an answer to the relay reached the client");
      }
      const { code, reason } = await client.closed;
      assert.equal(code, 4408);
      assert.match(reason, /^silent: /);
    }
    async function assertGivenUp() {
      const client = connect(`${urlWith(token)}&log_level=error`);
      await client.opened;
      client.send(join("2.0.0"));
      const { code, reason } = await client.closed;
      assert.equal(code, 4502, "upstream that answers no heartbeat");
      assert.match(reason, /^upstream_timeout: /);
    }
    await Promise.all([assertSpokenFor("2.0.0"), assertSpokenFor("1.0.0"), assertGivenUp()]);
  },
);

/** Sends a frame and gets it back. */
async function assertEchoes(client: Client): Promise<void> {
  const heartbeat = frame("2.0.0", "9", "phoenix", "heartbeat", {});
  client.send(heartbeat);
  assert.equal(await client.next(), heartbeat);
}

const echo = (socket: WebSocket) => {
  socket.onmessage = ({ data }) => socket.send(data);
};

testLife(
  "a socket that joins nothing is closed, one that has joined stays",
  { env: { RELAY_JOIN_TIMEOUT_MS: "2000" }, onSocket: echo },
  async ({ urlWith }) => {
    const joined = connect(urlWith(await sign()));
    await joined.opened;
    joined.send(join("2.0.0"));
    await joined.next();
    const { code, reason } = await connect(urlWith(await sign())).closed;
    assert.equal(code, 4408);
    assert.match(reason, /^join_timeout: /);
    await assertEchoes(joined);
    joined.socket.close();
    await joined.closed;
  },
);

/** Reads a notice about the socket and returns its payload. */
async function readNotice(client: Client) {
  const [joinRef, ref, topic, event, payload] = JSON.parse(await client.next() as string);
  assert.deepEqual([joinRef, ref, topic, event], [null, null, "phoenix", "system"]);
  assert.equal(payload.extension, "relay");
  return payload;
}

/** A socket that understands notices. */
async function negotiate(address: string, token: string): Promise<Client> {
  const protocols = ["realtime-relay.v1", `jwt-${token}`];
  const client = connect(`ws://${address}/relay?vsn=2.0.0`, { protocols });
  assert.equal(await client.opened, "realtime-relay.v1");
  return client;
}

testLife(
  "a token that is about to expire is told with what is left of it, to clients that understand",
  { onSocket: echo },
  async ({ relay, urlWith }) => {
    const token = await sign({ exp: Math.floor(Date.now() / 1000) + 20 });
    const told = await negotiate(relay.address, token);
    const { status, deadline_ms } = await readNotice(told);
    assert.equal(status, "token_expiring");
    assert.ok(deadline_ms > 0 && deadline_ms <= 20_000, `${deadline_ms} ms were told`);
    const other = connect(urlWith(token));
    await other.opened;
    // The first thing that it hears is its own echo.
    await assertEchoes(other);
    for (const { socket, closed } of [told, other]) {
      socket.close();
      await closed;
    }
  },
);

/** What the relay's hurried clock says, in seconds since the epoch. */
async function timeOf(relay: RelayProcess): Promise<number> {
  const { start } = await relay.line(({ event }) => event === "hurry") as { start: number };
  return Math.floor((start + (Date.now() - start) * SPEED) / 1000);
}

testLife(
  "a client is told before its token expires, and may bring a newer one",
  { env: PATIENT, entry: HURRY, onSocket: echo },
  async ({ relay }) => {
    const exp = await timeOf(relay) + 100;
    const open = async () => {
      const client = await negotiate(relay.address, await sign({ exp }));
      client.send(join("2.0.0"));
      await client.next();
      return client;
    };
    const [refreshing, idle] = [await open(), await open()];
    for (const client of [refreshing, idle]) {
      const { status, deadline_ms } = await readNotice(client);
      assert.equal(status, "token_expiring");
      assert.ok(deadline_ms > 0 && deadline_ms <= 60_000);
    }
    const access_token = await sign({ exp: exp + 3600 });
    refreshing.send(frame("2.0.0", "2", "realtime:a", "access_token", { access_token }));
    await refreshing.next();
    const { code, reason } = await idle.closed;
    assert.equal(code, 4401);
    assert.match(reason, /^token_expired: /);
    await assertEchoes(refreshing);
  },
);

const PLAIN = 12;
const DRAIN_MS = 2_500;

testLife(
  "SIGTERM: notices, no new sockets, 1012 one after the other, code 0",
  { env: { RELAY_DRAIN_MS: String(DRAIN_MS) } },
  async ({ relay, urlWith }) => {
    const token = await sign();
    const moving = await negotiate(relay.address, token);
    const staying = await negotiate(relay.address, token);
    const plain = Array.from({ length: PLAIN }, () => connect(urlWith(token)));
    const ends = plain.map(({ closed }) =>
      closed.then((close) => ({ ...close, at: performance.now() }))
    );
    await Promise.all(plain.map((client) => client.opened));
    relay.signal("SIGTERM");
    for (const client of [moving, staying]) {
      const { status, deadline_ms } = await readNotice(client);
      assert.equal(status, "drain");
      assert.ok(deadline_ms > 0 && deadline_ms <= DRAIN_MS);
    }
    moving.socket.close(1000);
    const late = await connect(urlWith(token)).closed;
    assert.equal(late.code, 4503);
    assert.match(late.reason, /^draining: /);
    const closes = await Promise.all(ends);
    for (const { code, reason } of closes) {
      assert.equal(code, 1012);
      assert.match(reason, /^restart: /);
    }
    const times = closes.map(({ at }) => at);
    const spread = Math.max(...times) - Math.min(...times);
    assert.ok(spread > DRAIN_MS / 3, `all were closed within ${spread} ms`);
    assert.equal((await staying.closed).code, 1012);
    assert.equal(await relay.exited, 0);
  },
);

/** Holds the dials that begin while it is there. */
let dial: { begun: PromiseWithResolvers<void>; end: PromiseWithResolvers<void> } | undefined;

testLife(
  "a client whose dial is under way when the worker begins to end is sent on to another",
  {
    env: { RELAY_DRAIN_MS: "600000" },
    async refuse(request) {
      dial?.begun.resolve();
      await dial?.end.promise;
      return Deno.upgradeWebSocket(request).response;
    },
  },
  async ({ relay, urlWith }) => {
    dial = undefined;
    const moving = await negotiate(relay.address, await sign());
    dial = { begun: Promise.withResolvers(), end: Promise.withResolvers() };
    const late = connect(urlWith(await sign()));
    await dial.begun.promise;
    relay.signal("SIGTERM");
    assert.equal((await readNotice(moving)).status, "drain");
    dial.end.resolve();
    const { code, reason } = await late.closed;
    assert.equal(code, 4503);
    assert.match(reason, /^draining: /);
    moving.socket.close(1000);
    assert.equal(await relay.exited, 0);
  },
);

testLife(
  "SIGTERM ends a relay without sockets at once",
  { env: { RELAY_DRAIN_MS: "600000" } },
  async ({ relay }) => {
    relay.signal("SIGTERM");
    assert.equal(await relay.exited, 0);
  },
);
