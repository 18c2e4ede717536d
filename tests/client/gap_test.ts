import assert from "node:assert/strict";
import type { Frame } from "../../client/frame.ts";
import { broadcast, SessionRig, token } from "./support/session_rig.ts";

const TOPIC = "realtime:room";
const payloads = (frames: Frame[]) => frames.map(({ payload }) => payload.payload);

Deno.test("a public topic that missed something says so: gap, from when to when", async () => {
  const rig = new SessionRig();
  const first = rig.live();
  rig.join(TOPIC);
  rig.joined(first, TOPIC);
  rig.time += 60_000;
  rig.bring(first, broadcast(TOPIC, 1));
  rig.lose(first);
  rig.time += 5_000;
  const second = rig.live();
  rig.joined(second, TOPIC);
  rig.bring(second, broadcast(TOPIC, 2));
  assert.deepEqual(payloads(rig.events("broadcast")), [1], "newer ones wait for the catch-up");
  await rig.settle();
  const [gap] = rig.events("system");
  const { message: _, ...payload } = gap.payload;
  assert.deepEqual(payload, {
    extension: "relay",
    status: "gap",
    channel: "room",
    from: 1_050_000,
    to: 1_065_000,
    missing: "events",
    kinds: ["database", "clients"],
  });
  assert.deepEqual(payloads(rig.events("broadcast")), [1, 2]);
});

Deno.test("a private topic asks for a replay since its last event, and drops what it has had", async () => {
  const rig = new SessionRig();
  const first = rig.live();
  rig.join(TOPIC, { private: true, broadcast: { replay: { since: 1, limit: 5 } } });
  const sentAt = new Date(rig.time).toISOString();
  rig.joined(first, TOPIC);
  rig.bring(first, broadcast(TOPIC, { n: 1, created_at: sentAt }, "a"));
  rig.lose(first);
  const second = rig.live();
  const { config } = rig.out(second, "phx_join")[0].payload as { config: Record<string, unknown> };
  assert.deepEqual(config.broadcast, { replay: { since: rig.time - 10_000, limit: 25 } });
  rig.joined(second, TOPIC);
  rig.bring(second, broadcast(TOPIC, { n: 3 }, "c"));
  rig.bring(second, broadcast(TOPIC, { n: 1 }, "a", true));
  rig.bring(second, broadcast(TOPIC, { n: 2 }, "b", true));
  await rig.answered(second);
  assert.deepEqual(
    payloads(rig.events("broadcast")).map((payload) => (payload as { n: number }).n),
    [1, 2, 3],
  );
});

Deno.test("a socket that takes over without a replay asks for one, and newer events wait for it", async () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC, { private: true });
  rig.joined(old, TOPIC);
  rig.bring(old, broadcast(TOPIC, 1, "a"));
  const next = rig.next();
  rig.lose(old);
  rig.switch(next);
  rig.bring(next, broadcast(TOPIC, 3, "c"));
  rig.joined(next, TOPIC);
  const [, again] = rig.out(next, "phx_join");
  assert.match(JSON.stringify(again.payload), /"replay":/);
  rig.bring(next, broadcast(TOPIC, 4, "d"));
  rig.joined(next, TOPIC);
  rig.bring(next, broadcast(TOPIC, 5, "e"));
  rig.bring(next, broadcast(TOPIC, 2, "b", true));
  rig.bring(next, broadcast(TOPIC, 3, "c", true));
  assert.deepEqual(payloads(rig.events("broadcast")), [1]);
  await rig.answered(next);
  assert.deepEqual(payloads(rig.events("broadcast")), [1, 2, 3, 4, 5]);
});

Deno.test("what one gap has lost does not come late with the replay of the next", async () => {
  const rig = new SessionRig();
  let link = rig.live();
  rig.join(TOPIC, { private: true });
  rig.joined(link, TOPIC);
  const lose = async (...replayed: number[]) => {
    rig.lose(link);
    link = rig.live();
    rig.joined(link, TOPIC);
    for (const n of replayed) rig.bring(link, broadcast(TOPIC, n, `${n}`, true));
    await rig.answered(link);
  };
  rig.bring(link, broadcast(TOPIC, 1, "1"));
  // Realtime reads what it replays before it subscribes: 2 was sent in between.
  await lose(1);
  rig.bring(link, broadcast(TOPIC, 3, "3"));
  await lose(1, 2, 3, 4);
  assert.deepEqual(payloads(rig.events("broadcast")), [1, 3, 4]);
  const missing = rig.events("system").map(({ payload }) => payload.missing);
  assert.deepEqual(missing, ["events", "events"]);
});

/**
 * 1 and 3 were had over a gap that is closed, and a next socket has asked for the replay of that gap.
 * 2 was sent while Realtime had read what it replays to the active one, and not subscribed yet.
 */
async function nextWithReplay() {
  const rig = new SessionRig();
  const first = rig.live();
  rig.join(TOPIC, { private: true });
  rig.joined(first, TOPIC);
  rig.bring(first, broadcast(TOPIC, 1, "1"));
  rig.lose(first);
  const active = rig.live();
  rig.joined(active, TOPIC);
  const next = rig.next();
  rig.bring(active, broadcast(TOPIC, 1, "1", true));
  await rig.answered(active);
  rig.bring(active, broadcast(TOPIC, 3, "3"));
  rig.joined(next, TOPIC);
  return { rig, active, next };
}

Deno.test("a replay that the next socket got before the gap was closed brings nothing late", async () => {
  const { rig, active, next } = await nextWithReplay();
  for (const n of [1, 2, 3, 4]) rig.bring(next, broadcast(TOPIC, n, `${n}`, true));
  rig.bring(next, broadcast(TOPIC, 5, "5"));
  await rig.answered(active);
  assert.equal(rig.session.active, next);
  assert.deepEqual(payloads(rig.events("broadcast")), [1, 3, 4, 5]);
});

Deno.test("such a replay brings nothing late when it comes after the next socket has taken over", async () => {
  const { rig, active, next } = await nextWithReplay();
  await rig.answered(active);
  assert.equal(rig.session.active, next);
  const before = rig.events("system").length;
  rig.bring(next, broadcast(TOPIC, 1, "1", true));
  assert.equal(rig.events("system").length, before, "it was had");
  for (const n of [2, 2, 3]) rig.bring(next, broadcast(TOPIC, n, `${n}`, true));
  rig.bring(next, broadcast(TOPIC, 4, "4"));
  assert.deepEqual(payloads(rig.events("broadcast")), [1, 3, 4]);
  assert.deepEqual(rig.events("system").slice(before).map(({ payload }) => payload.missing), [
    "events",
  ]);
});

Deno.test("of events that wait only so many are kept, and the loss of the oldest is told", async () => {
  const rig = new SessionRig();
  const link = rig.live(token("alice"));
  rig.join(TOPIC, {}, "1", token("alice"));
  rig.joined(link, TOPIC);
  rig.doubt(link);
  for (let n = 0; n < 10_001; n++) rig.bring(link, broadcast(TOPIC, n));
  assert.equal(link.held.length, 10_000);
  rig.settle(link);
  await rig.settle();
  assert.deepEqual(rig.events("system").map(({ payload }) => payload.missing), ["events"]);
  const [first, ...rest] = payloads(rig.events("broadcast"));
  assert.deepEqual([first, rest.length, rest.at(-1)], [1, 9_999, 10_000]);
});

Deno.test("what is replayed late comes as it comes, and behind 25 of it a gap is told once", async () => {
  const rig = new SessionRig();
  rig.join(TOPIC, { private: true });
  rig.joined(rig.live(), TOPIC);
  rig.lose(rig.session.active!);
  const link = rig.live();
  rig.joined(link, TOPIC);
  await rig.answered(link);
  const before = rig.events("system").length;
  const late = (from: number, to: number) => {
    for (let n = from; n <= to; n++) rig.bring(link, broadcast(TOPIC, n, `${n}`, true));
  };
  late(1, 24);
  assert.equal(rig.events("system").length, before);
  late(25, 27);
  assert.equal(rig.events("broadcast").length, 25);
  assert.equal(rig.events("system").length, before + 1);
});

Deno.test("the end of a replay of a topic that was left means nothing", async () => {
  const rig = new SessionRig();
  rig.join(TOPIC, { private: true });
  rig.joined(rig.live(), TOPIC);
  rig.lose(rig.session.active!);
  const link = rig.live();
  rig.joined(link, TOPIC);
  await rig.settle();
  rig.push({ join_ref: "1", ref: "2", topic: TOPIC, event: "phx_leave", payload: {} });
  rig.answerOwn(link);
  assert.deepEqual(rig.events("system"), []);
});
