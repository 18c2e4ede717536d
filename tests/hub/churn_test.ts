import assert from "node:assert/strict";
import { type Client, connect } from "../support/client.ts";
import { givenSeed, orFinding } from "../support/finding.ts";
import { Churner, joinText, numberOf, random } from "../support/hub/churn.ts";
import { FakeRealtime } from "../support/hub/fake_realtime.ts";
import { BATCHES, Stage } from "../support/hub/stage.ts";
import { inTime } from "../support/in_time.ts";
import { LONG } from "../support/long.ts";
import { RawSocket } from "../support/raw_socket.ts";
import { hosts } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { PUBLISHABLE_KEY } from "../support/tokens.ts";

const TOPIC = "realtime:clicks";

/** A minute with ten changes a second, of which half of the viewers see but a part. */
const [VIEWERS, TICKS] = LONG ? [5_000, 600] : [150, 60];

const SEED = givenSeed ?? 8;

Deno.test(`${VIEWERS} viewers, half of them come and go: nobody misses a change, nothing stays`, () =>
  orFinding(SEED, "they come and go", comeAndGo));

async function comeAndGo() {
  using stage = new Stage();
  const { clock, realtime } = stage;
  const next = random(SEED);
  let newest = 0;
  // Half of them take batches, of those who stay and of those who do not.
  const churners = Array.from(
    { length: VIEWERS },
    (_, n) => new Churner(stage, TOPIC, () => newest, n % 2 === 0 ? BATCHES : undefined),
  );
  const emit = () => {
    const n = newest + 1;
    realtime.emit(TOPIC, "postgres_changes", { data: { n } });
    newest = n;
  };
  await Promise.all(churners.map((churner) => churner.come()));
  await clock.settle();
  emit();
  await clock.settle();
  const restless = churners.slice(0, VIEWERS / 2);
  for (let tick = 0; tick < TICKS; tick++) {
    const coming: Promise<void>[] = [];
    for (const churner of restless) {
      if (next() > 0.05) continue;
      if (churner.isThere) churner.go(3 * next());
      else coming.push(churner.come());
    }
    emit(); // While some joins are on their way.
    await Promise.all(coming);
    emit();
    if (next() < 0.3) { for (let n = 0; n < 5; n++) emit(); }
    await clock.pass(100);
  }
  const stayed = churners.slice(VIEWERS / 2);
  for (const { got } of stayed) assert.equal(got, newest);
  assert.equal(realtime.joins().length, 1, "all of it was one subscription");
  const { viewers, delivered } = await stage.hub();
  assert.ok(viewers > VIEWERS / 2);
  console.log(`  ${newest} changes, ${delivered} deliveries to up to ${VIEWERS} viewers`);
  for (const churner of churners) churner.end();
  await clock.pass(20_000);
  const { groups, upstreams, ...rest } = await stage.hub();
  assert.deepEqual([rest.viewers, groups, upstreams, realtime.lines.size], [0, 0, 0, 0]);
  assert.equal(clock.pending, 0, "a timer is left");
}

/** Asks again in a moment: the relay hears of a close after the client does. */
const soon = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Through real sockets, as many as this machine opens in a moment. */
const SOCKETS = LONG ? 500 : 40;

Deno.test(`${SOCKETS} viewers by real sockets get every change once, and leave nothing`, async () => {
  const realtime = new FakeRealtime();
  const env = { RELAY_ANONYMOUS: "allow" };
  await withRelay(hosts[0], { onSocket: realtime.onSocket, env }, async ({ relay }) => {
    const url = `ws://${relay.address}/relay/websocket?vsn=2.0.0&apikey=${PUBLISHABLE_KEY}`;
    const left: Promise<unknown>[] = [];
    // Every second one takes batches: how many frames are in a message is not for a test to say.
    const clients = Array.from(
      { length: SOCKETS },
      (_, n) => connect(url, { protocols: n % 2 === 0 ? [BATCHES] : [] }),
    );
    const texts = async (client: Client) => String(await client.next()).split("\n");
    const hub = async () =>
      (await (await fetch(`http://${relay.address}/relay/health`)).json()).hub;
    await Promise.all(clients.map(async (client) => {
      await client.opened;
      client.send(joinText(1, TOPIC));
      for (let left = 2; left > 0;) left -= (await texts(client)).length;
    }));
    const changes = 200;
    for (let n = 1; n <= changes; n++) {
      realtime.emit(TOPIC, "postgres_changes", { data: { n } });
      if (n % 20 === 0) {
        const leaver = clients.pop()!;
        leaver.socket.close();
        left.push(leaver.closed);
      }
      if (n % 20 === 10) await soon();
    }
    await Promise.all(clients.map(async (client) => {
      let n = 0;
      while (n < changes) for (const text of await texts(client)) assert.equal(numberOf(text), ++n);
    }));
    await Promise.all(left);
    while ((await hub()).viewers > clients.length) await soon();
    const { groups, upstreams } = await hub();
    assert.deepEqual([groups, upstreams], [1, 1]);
    for (const { socket } of clients) socket.close();
    await Promise.all(clients.map(({ closed }) => closed));
    while ((await hub()).viewers > 0) await soon();
    if (!LONG) return; // The channel outlives them by five seconds.
    while ((await hub()).upstreams > 0) await soon();
    while (realtime.lines.size > 0) await soon();
  });
});

Deno.test("a viewer that does not read is cut off alone", async () => {
  const realtime = new FakeRealtime();
  const env = { RELAY_ANONYMOUS: "allow", RELAY_MAX_UNSENT_BYTES: String(1 << 20) };
  await withRelay(hosts[0], { onSocket: realtime.onSocket, env }, async ({ relay }) => {
    const url = `ws://${relay.address}/relay/websocket?vsn=2.0.0&apikey=${PUBLISHABLE_KEY}`;
    const quick = connect(url);
    await quick.opened;
    using slow = await RawSocket.open(url);
    await slow.sendText(joinText(1, TOPIC));
    quick.send(joinText(1, TOPIC));
    for (let n = 0; n < 2; n++) await quick.next();
    while (realtime.channels.length === 0) await soon();
    const padding = "x".repeat(100_000);
    let n = 0;
    const cut = relay.line(({ event }) => event === "close");
    let isCut = false;
    cut.then(() => isCut = true);
    while (!isCut && n < 2_000) {
      realtime.emit(TOPIC, "postgres_changes", { data: { n: ++n, padding } });
      assert.equal(numberOf(String(await inTime(quick.next(), "the change"))), n);
    }
    const { code, error } = await inTime(cut, "the slow one is cut off");
    assert.deepEqual([code, error], [4413, "unread"]);
    realtime.emit(TOPIC, "postgres_changes", { data: { n: ++n } });
    assert.equal(numberOf(String(await quick.next())), n);
    quick.socket.close();
    await quick.closed;
  });
});
