import assert from "node:assert/strict";
import { decode, encode, type Frame, type Vsn } from "../client/frame.ts";
import { tableCatchUp } from "../client/catch_up.ts";
import { closeGap } from "../client/gap.ts";
import { broadcast, change, SessionRig, token } from "./support/transport/session_rig.ts";

const TOPIC = "realtime:room";
const BINDING = { id: 11, event: "INSERT", schema: "public", table: "url_clicks" };
const noReader = { schema: () => ({ from: () => assert.fail("nothing is read here") }) };
const clicks = tableCatchUp(noReader, "url_clicks", { key: "id", time: "clicked_at" });
const versions: Vsn[] = ["1.0.0", "2.0.0"];
const payloads = (frames: Frame[]) => frames.map(({ payload }) => payload.payload);
const keys = (frames: Frame[]) =>
  frames.map(({ payload }) => (payload as { data: { record: { id: number } } }).data.record.id);

for (const vsn of versions) {
  Deno.test(`vsn ${vsn}: a lost socket's joins go out again with their refs, and their answers no further`, () => {
    const rig = new SessionRig(vsn);
    const first = rig.live();
    rig.join(TOPIC, { private: false }, "7");
    rig.joined(first, TOPIC, [], "7");
    assert.equal(rig.events("phx_reply").length, 1);
    rig.session.lose(first);
    const second = rig.live();
    const [join] = rig.out(second, "phx_join");
    assert.deepEqual([join.topic, join.ref, join.join_ref], [TOPIC, "7", "7"]);
    rig.joined(second, TOPIC, [], "7");
    assert.equal(rig.events("phx_reply").length, 1);
  });

  Deno.test(`vsn ${vsn}: changed binding ids reach the application as those it knows`, () => {
    const rig = new SessionRig(vsn);
    const first = rig.live();
    rig.join(TOPIC);
    rig.joined(first, TOPIC, [BINDING]);
    rig.session.lose(first);
    const second = rig.live();
    rig.joined(second, TOPIC, [{ ...BINDING, id: 99 }]);
    closeGap(rig.session, second.places.get(TOPIC)!);
    rig.bring(second, change(TOPIC, [99], "INSERT", { id: 1 }));
    const [{ payload }] = rig.events("postgres_changes");
    assert.deepEqual(payload.ids, [11]);
    assert.equal(rig.events("system").length, 1, "Subscribed to PostgreSQL was told once");
  });

  Deno.test(`vsn ${vsn}: heartbeats are answered while nothing is underneath, and never sent later`, async () => {
    const rig = new SessionRig(vsn);
    const heartbeat = { ref: "5", topic: "phoenix", event: "heartbeat", payload: {} };
    rig.push(heartbeat);
    assert.equal(rig.delivered.length, 0, "realtime-js is not done with sending it");
    await rig.settle();
    assert.deepEqual(rig.delivered.map(({ ref, payload }) => [ref, payload.status]), [["5", "ok"]]);
    const link = rig.live();
    assert.deepEqual(rig.out(link, "heartbeat"), []);
    rig.push({ ...heartbeat, ref: "6" });
    assert.equal(rig.out(link, "heartbeat")[0].ref, "6");
    rig.session.lose(link);
    assert.deepEqual(rig.delivered.map(({ ref }) => ref), ["5", "6"], "answered when it was lost");
  });

  Deno.test(`vsn ${vsn}: the last presence track goes out again and is answered once`, () => {
    const rig = new SessionRig(vsn);
    const link = rig.live();
    rig.join(TOPIC);
    rig.joined(link, TOPIC);
    for (const [ref, n] of [["2", 1], ["3", 2]] as const) {
      const payload = { type: "presence", event: "track", payload: { n } };
      const frame = { join_ref: "1", ref, topic: TOPIC, event: "presence", payload };
      rig.push(frame);
      rig.bring(link, { ...frame, event: "phx_reply", payload: { status: "ok", response: {} } });
    }
    rig.session.lose(link);
    const second = rig.live();
    assert.deepEqual(rig.out(second, "presence"), [], "not before the topic is joined");
    rig.joined(second, TOPIC);
    assert.deepEqual(payloads(rig.out(second, "presence")), [{ n: 2 }]);
    const before = rig.delivered.length;
    rig.bring(second, {
      join_ref: "1",
      ref: "3",
      topic: TOPIC,
      event: "phx_reply",
      payload: { status: "ok", response: {} },
    });
    assert.equal(rig.delivered.length, before);
  });
}

Deno.test("a restored join waits for a proof that the socket is let in", () => {
  const rig = new SessionRig();
  const first = rig.live();
  rig.join(TOPIC);
  rig.joined(first, TOPIC);
  rig.session.lose(first);
  const refused = rig.open();
  assert.deepEqual(rig.out(refused, "phx_join"), []);
  const second = { join_ref: "9", ref: "9", topic: "realtime:new", event: "phx_join", payload: {} };
  rig.push(second);
  assert.equal(rig.out(refused, "phx_join").length, 1, "a new join may be refused by the relay");
  const reason = "token_expired: Refresh the session.";
  rig.bring(refused, {
    ...second,
    event: "phx_reply",
    payload: { status: "error", response: { reason } },
  });
  assert.equal(rig.out(refused, "phx_join").length, 1);
  assert.equal(refused.provenAt, undefined);
  assert.equal(rig.session.channels.has("realtime:new"), false);
  assert.equal(rig.session.channels.has(TOPIC), true);
});

Deno.test("pushes wait for their topic in order, and overflow is an error to the caller", () => {
  const rig = new SessionRig("2.0.0", [], 220);
  const first = rig.live();
  rig.join(TOPIC, { broadcast: { ack: true } });
  rig.joined(first, TOPIC);
  rig.join("realtime:silent", {}, "2");
  rig.joined(first, "realtime:silent", [], "2");
  rig.session.lose(first);
  const push = (topic: string, ref: string) =>
    rig.push({
      join_ref: "1",
      ref,
      topic,
      event: "broadcast",
      payload: { type: "broadcast", event: "e", payload: { ref } },
    });
  for (const ref of ["3", "4", "5"]) push(TOPIC, ref);
  assert.ok(rig.session.queue.bytes <= 220);
  const [overflow] = rig.events("phx_reply").filter(({ payload }) => payload.status === "error");
  assert.equal(overflow.ref, "5");
  assert.match(JSON.stringify(overflow.payload), /queue_full/);
  assert.throws(() => push("realtime:silent", "6"), { name: "QuotaExceededError" });
  const second = rig.live();
  rig.joined(second, TOPIC);
  assert.deepEqual(payloads(rig.out(second, "broadcast")), [{ ref: "3" }, { ref: "4" }]);
  assert.equal(rig.session.queue.bytes, 0);
});

Deno.test("a binary broadcast waits and goes out byte by byte", () => {
  const rig = new SessionRig();
  const first = rig.live();
  rig.join(TOPIC);
  rig.joined(first, TOPIC);
  rig.session.lose(first);
  const parts = ["1", "2", TOPIC, "e", ""].map((part) => new TextEncoder().encode(part));
  const body = new TextEncoder().encode('{"n":1}');
  const head = [3, ...parts.map((part) => part.length), 1];
  const bytes = new Uint8Array([...head, ...parts.flatMap((part) => [...part]), ...body]).buffer;
  const frame = decode("2.0.0", bytes)!;
  assert.deepEqual([frame.topic, frame.ref, frame.payload.payload], [TOPIC, "2", { n: 1 }]);
  rig.session.queue.add(frame);
  const second = rig.live();
  rig.joined(second, TOPIC);
  assert.deepEqual(payloads(rig.out(second, "broadcast")), [{ n: 1 }]);
});

Deno.test("a public topic that missed something says so: gap, from when to when", async () => {
  const rig = new SessionRig();
  const first = rig.live();
  rig.join(TOPIC);
  rig.joined(first, TOPIC);
  rig.time += 60_000;
  rig.bring(first, broadcast(TOPIC, 1));
  rig.session.lose(first);
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
  rig.session.lose(first);
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
  rig.session.lose(old);
  rig.session.switch(next);
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
    rig.session.lose(link);
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
  assert.deepEqual(missing, ["unstored", "events"]);
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
  rig.session.lose(first);
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
  for (const n of [1, 2, 3]) rig.bring(next, broadcast(TOPIC, n, `${n}`, true));
  rig.bring(next, broadcast(TOPIC, 4, "4"));
  assert.deepEqual(payloads(rig.events("broadcast")), [1, 3, 4]);
});

Deno.test("of events that wait only so many are kept, and the loss of the oldest is told", async () => {
  const rig = new SessionRig();
  const link = rig.live(token("alice"));
  rig.join(TOPIC, {}, "1", token("alice"));
  rig.joined(link, TOPIC);
  rig.session.doubt(link);
  for (let n = 0; n < 10_001; n++) rig.bring(link, broadcast(TOPIC, n));
  assert.equal(link.held.length, 10_000);
  rig.session.settle(link);
  await rig.settle();
  assert.deepEqual(rig.events("system").map(({ payload }) => payload.missing), ["events"]);
  const [first, ...rest] = payloads(rig.events("broadcast"));
  assert.deepEqual([first, rest.length, rest.at(-1)], [1, 9_999, 10_000]);
});

Deno.test("make before break: each event once and in order, though both sockets carry it", () => {
  const rig = new SessionRig("2.0.0", [clicks]);
  const old = rig.live();
  rig.join(TOPIC, { broadcast: { self: false } });
  rig.joined(old, TOPIC, [BINDING]);
  rig.bring(old, change(TOPIC, [11], "INSERT", { id: 1 }));
  const next = rig.next();
  assert.equal(rig.out(next, "phx_join").length, 1);
  rig.bring(old, change(TOPIC, [11], "INSERT", { id: 2 }));
  rig.joined(next, TOPIC, [{ ...BINDING, id: 12 }]);
  for (const link of [old, next]) {
    const id = link === old ? 11 : 12;
    rig.bring(link, change(TOPIC, [id], "INSERT", { id: 3 }));
    rig.bring(link, change(TOPIC, [id], "UPDATE", { id: 3 }));
    rig.bring(link, broadcast(TOPIC, "same"));
    rig.bring(link, broadcast(TOPIC, "same"));
  }
  rig.bring(next, change(TOPIC, [12], "INSERT", { id: 4 }));
  assert.equal(rig.session.active, old, "the old one first answers for what it has in flight");
  rig.answerOwn(old);
  assert.equal(rig.session.active, next);
  rig.bring(old, change(TOPIC, [11], "INSERT", { id: 5 }));
  rig.bring(next, change(TOPIC, [12], "INSERT", { id: 5 }));
  rig.bring(next, broadcast(TOPIC, "same"));
  const inserts = rig.events("postgres_changes").filter(({ payload }) =>
    (payload.data as { type: string }).type === "INSERT"
  );
  assert.deepEqual(keys(inserts), [1, 2, 3, 4, 5]);
  assert.equal(rig.events("postgres_changes").length, 6, "one UPDATE");
  assert.equal(rig.events("broadcast").length, 3, "two of one content, then a third");
  assert.deepEqual(rig.events("system").length, 1, "Subscribed; no gap");
  assert.equal(rig.events("phx_reply").length, 1);
});

Deno.test("what the application sends during a handover does not come back to it", () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC);
  const next = rig.next();
  rig.joined(next, TOPIC);
  rig.push({
    join_ref: "1",
    ref: "2",
    topic: TOPIC,
    event: "broadcast",
    payload: { type: "broadcast", event: "e", payload: { b: 1, a: 2 } },
  });
  rig.bring(next, broadcast(TOPIC, { a: 2, b: 1 }));
  rig.answerOwn(old);
  assert.deepEqual(rig.events("broadcast"), []);
  rig.bring(next, broadcast(TOPIC, { a: 2, b: 1 }));
  assert.equal(rig.events("broadcast").length, 1, "the same from somebody else");
});

Deno.test("an old socket that dies before the switch leaves a gap, and its successor goes on", async () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC);
  const next = rig.next();
  rig.joined(next, TOPIC);
  rig.session.lose(old);
  rig.session.switch(next);
  assert.equal(rig.session.active, next);
  await rig.settle();
  assert.deepEqual(rig.events("system").map(({ payload }) => payload.status), ["gap"]);
});

Deno.test("a row that was deleted may come again under its key", () => {
  const rig = new SessionRig("2.0.0", [clicks]);
  const link = rig.live();
  rig.join(TOPIC);
  rig.joined(link, TOPIC, [{ ...BINDING, event: "*" }]);
  for (const type of ["INSERT", "INSERT", "DELETE", "INSERT"]) {
    rig.bring(link, change(TOPIC, [11], type, { id: 1 }));
  }
  assert.equal(rig.events("postgres_changes").length, 3);
});

Deno.test("a token that is older than the known one never goes out again", () => {
  const [stale, fresh] = [token("alice", 1_000), token("alice", 2_000)];
  const rig = new SessionRig();
  const link = rig.live(fresh);
  rig.join(TOPIC, {}, "1", stale);
  assert.equal(rig.out(link, "phx_join")[0].payload.access_token, fresh);
  rig.joined(link, TOPIC);
  const frame = { join_ref: "1", ref: "2", topic: TOPIC, event: "access_token" };
  rig.push({ ...frame, payload: { access_token: stale } });
  assert.deepEqual(rig.out(link, "access_token"), []);
  const newest = token("alice", 3_000);
  rig.push({ ...frame, payload: { access_token: newest } });
  assert.equal(rig.out(link, "access_token")[0].payload.access_token, newest);
  rig.session.lose(link);
  const second = rig.live(fresh);
  assert.equal(rig.out(second, "phx_join")[0].payload.access_token, fresh);
});

Deno.test("until it is known who is signed in, nothing of the socket reaches the application", () => {
  const rig = new SessionRig();
  const link = rig.live(token("alice"));
  rig.join(TOPIC, {}, "1", token("alice"));
  rig.joined(link, TOPIC);
  const payload = { access_token: "sb_publishable_x" };
  rig.push({ join_ref: "1", ref: "2", topic: TOPIC, event: "access_token", payload });
  assert.equal(rig.asked.at(-1), "check");
  rig.bring(link, broadcast(TOPIC, "alice's"));
  assert.deepEqual(rig.events("broadcast"), []);
  rig.session.settle(link);
  assert.equal(rig.events("broadcast").length, 1, "it is alice still: nothing was lost");
});

Deno.test("leaving while nothing is underneath is answered, and the topic is not restored", () => {
  const rig = new SessionRig();
  const first = rig.live();
  rig.join(TOPIC);
  rig.joined(first, TOPIC);
  rig.session.lose(first);
  rig.push({ join_ref: "1", ref: "2", topic: TOPIC, event: "phx_leave", payload: {} });
  assert.deepEqual(rig.delivered.slice(-2).map(({ event }) => event), ["phx_reply", "phx_close"]);
  const second = rig.live();
  assert.deepEqual(rig.out(second, "phx_join"), []);
});

Deno.test("a day of events leaves the session as big as a minute of them", () => {
  const rig = new SessionRig("2.0.0", [clicks], 1_000);
  const link = rig.live();
  rig.join(TOPIC);
  rig.joined(link, TOPIC, [BINDING]);
  const sizeAfter = (seconds: number, from: number) => {
    for (let second = 0; second < seconds; second += 4) {
      rig.time += 4_000;
      const id = from + second;
      rig.bring(link, change(TOPIC, [11], "INSERT", { id, clicked_at: new Date(rig.time) }));
      rig.bring(link, broadcast(TOPIC, id, `id-${id}`));
      const ref = `${id}`;
      rig.push({ ref, topic: "phoenix", event: "heartbeat", payload: {} });
      rig.bring(link, { ref, topic: "phoenix", event: "phx_reply", payload: { status: "ok" } });
      rig.delivered.length = 0;
      rig.out(link).length = 0;
      rig.sent.set(link, []);
      rig.asked.length = 0;
    }
    const { seen } = rig.session.channels.get(TOPIC)!;
    return [seen.size, link.pending.size, link.held.length];
  };
  const minute = sizeAfter(80, 0);
  const day = sizeAfter(24 * 3600, 1_000);
  assert.deepEqual(day, minute);
  assert.ok(minute[0] > 20);
});

Deno.test("pushes that are never answered are forgotten one day", () => {
  const rig = new SessionRig();
  const link = rig.live();
  rig.join(TOPIC, { broadcast: { ack: true } });
  rig.joined(link, TOPIC);
  const payload = { type: "broadcast", event: "e", payload: {} };
  for (let ref = 2; ref < 3_000; ref++) {
    rig.push({ join_ref: "1", ref: `${ref}`, topic: TOPIC, event: "broadcast", payload });
  }
  assert.equal(link.pending.size, 1_000);
});

Deno.test("a frame that is none of Phoenix's is carried as it is", () => {
  const [none, short] = [[7, 7], [4, 250, 0, 0, 1]].map((bytes) => new Uint8Array(bytes).buffer);
  for (const raw of ["nope", "null", "[]", none, short]) {
    assert.deepEqual(decode("2.0.0", raw), { topic: "", event: "", payload: {}, raw });
  }
  const frame = { topic: "t", event: "e", payload: { a: 1 }, ref: "1", join_ref: "2" };
  for (const vsn of versions) {
    const raw = encode(vsn, frame);
    assert.deepEqual(decode(vsn, raw), { ...frame, raw });
  }
});
