import assert from "node:assert/strict";
import { decode, encode, type Frame, type Vsn } from "../../client/frame.ts";
import type { Link } from "../../client/session/link.ts";
import { BINDING, broadcast, change, clicks, SessionRig, token } from "./support/session_rig.ts";

const TOPIC = "realtime:room";
const versions: Vsn[] = ["1.0.0", "2.0.0"];
const payloads = (frames: Frame[]) => frames.map(({ payload }) => payload.payload);

for (const vsn of versions) {
  Deno.test(`vsn ${vsn}: a lost socket's joins go out again with their refs, and their answers no further`, () => {
    const rig = new SessionRig(vsn);
    const first = rig.live();
    rig.join(TOPIC, { private: false }, "7");
    rig.joined(first, TOPIC, [], "7");
    assert.equal(rig.events("phx_reply").length, 1);
    rig.lose(first);
    const second = rig.live();
    const [join] = rig.out(second, "phx_join");
    assert.deepEqual([join.topic, join.ref, join.join_ref], [TOPIC, "7", "7"]);
    rig.joined(second, TOPIC, [], "7");
    assert.equal(rig.events("phx_reply").length, 1);
  });

  Deno.test(`vsn ${vsn}: changed binding ids reach the application as those it knows`, async () => {
    const rig = new SessionRig(vsn);
    const first = rig.live();
    rig.join(TOPIC);
    rig.joined(first, TOPIC, [BINDING]);
    rig.lose(first);
    const second = rig.live();
    rig.joined(second, TOPIC, [{ ...BINDING, id: 99 }]);
    await rig.settle();
    rig.bring(second, change(TOPIC, [99], "INSERT", { id: 1 }));
    const [{ payload }] = rig.events("postgres_changes");
    assert.deepEqual(payload.ids, [11]);
    const told = rig.events("system").filter(({ payload }) => payload.extension !== "relay");
    assert.equal(told.length, 1, "Subscribed to PostgreSQL was told once");
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
    rig.lose(link);
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
    rig.lose(link);
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
  rig.lose(first);
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
  rig.lose(first);
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
  rig.lose(first);
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
  rig.lose(link);
  const second = rig.live(fresh);
  assert.equal(rig.out(second, "phx_join")[0].payload.access_token, newest);
});

Deno.test("until it is known who is signed in, nothing of the socket reaches the application", () => {
  const rig = new SessionRig();
  const link = rig.live(token("alice"));
  rig.join(TOPIC, {}, "1", token("alice"));
  rig.joined(link, TOPIC);
  const payload = { access_token: "sb_publishable_x" };
  rig.push({ join_ref: "1", ref: "2", topic: TOPIC, event: "access_token", payload });
  assert.equal(rig.asked.at(-1), "doubt");
  rig.bring(link, broadcast(TOPIC, "alice's"));
  assert.deepEqual(rig.events("broadcast"), []);
  rig.settle(link);
  assert.equal(rig.events("broadcast").length, 1, "it is alice still: nothing was lost");
});

Deno.test("leaving while nothing is underneath is answered, and the topic is not restored", async () => {
  const rig = new SessionRig();
  const first = rig.live();
  rig.join(TOPIC);
  rig.joined(first, TOPIC);
  rig.lose(first);
  rig.push({ join_ref: "1", ref: "2", topic: TOPIC, event: "phx_leave", payload: {} });
  await rig.settle();
  assert.deepEqual(rig.delivered.slice(-2).map(({ event }) => event), ["phx_reply", "phx_close"]);
  const second = rig.live();
  assert.deepEqual(rig.out(second, "phx_join"), []);
});

Deno.test("a leave of an earlier join is answered, and the join that replaced it stays", async () => {
  const rig = new SessionRig();
  const link = rig.live();
  rig.push({ join_ref: "1", ref: "1", topic: TOPIC, event: "phx_join", payload: {} });
  rig.push({ join_ref: "4", ref: "4", topic: TOPIC, event: "phx_join", payload: {} });
  // phoenix.js sends it when the join's answer did not come in time.
  rig.push({ join_ref: "1", ref: "7", topic: TOPIC, event: "phx_leave", payload: {} });
  await rig.settle();
  assert.deepEqual(rig.delivered.map(({ event, ref }) => [event, ref]), [["phx_reply", "7"]]);
  assert.deepEqual(rig.out(link, "phx_leave"), []);
  rig.lose(link);
  assert.deepEqual(rig.out(rig.live(), "phx_join").map(({ ref }) => ref), ["4"]);
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
    const { ledger: { seen } } = rig.session.channels.get(TOPIC)!;
    return [
      [...seen.values()].reduce((sum, { size }) => sum + size, 0),
      link.pending.size,
      link.held.length,
    ];
  };
  const minute = sizeAfter(160, 0);
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

Deno.test("a join that comes again takes the newest token along", () => {
  const rig = new SessionRig();
  const link = rig.live(token("alice", 1_000));
  const fresh = token("alice", 2_000);
  rig.join(TOPIC, {}, "1", fresh);
  assert.equal(rig.out(link, "phx_join")[0].payload.access_token, fresh);
  rig.joined(link, TOPIC);
  rig.lose(link);
  const unproven = rig.open(fresh);
  rig.tell({ is: "known", link: unproven, token: token("alice", 3_000) });
  assert.deepEqual(rig.out(unproven), [], "it is told to no topic that is not joined there");
});

Deno.test("a join that Realtime refuses for its token ends the socket, which asks for another", () => {
  const rig = new SessionRig();
  const first = rig.live();
  rig.join(TOPIC);
  rig.joined(first, TOPIC);
  rig.lose(first);
  refuse(rig, rig.live(), "InvalidJWTToken: Token has expired 5 seconds ago");
  assert.equal(rig.asked.at(-1), "closed");
  assert.deepEqual(rig.events("phx_error"), []);
});

/** Refuses the last join of the topic. */
function refuse(rig: SessionRig, link: Link, reason: string): void {
  const join = rig.out(link, "phx_join").at(-1)!;
  rig.bring(link, {
    ...join,
    event: "phx_reply",
    payload: { status: "error", response: { reason } },
  });
}

Deno.test("what is pushed in doubt waits, leaves on no other socket, and goes when it is settled", () => {
  const rig = new SessionRig();
  const link = rig.live(token("alice"));
  rig.join(TOPIC, {}, "1", token("alice"));
  rig.joined(link, TOPIC);
  rig.doubt(link);
  const payload = { type: "broadcast", event: "e", payload: 1 };
  rig.push({ join_ref: "1", ref: "2", topic: TOPIC, event: "broadcast", payload });
  const next = rig.next(token("alice"));
  rig.joined(next, TOPIC);
  assert.deepEqual([link, next].flatMap((each) => rig.out(each, "broadcast")), []);
  rig.settle(link);
  assert.equal(rig.out(link, "broadcast").length, 1);
});

Deno.test("a leave and a track whose answers are lost with the socket are answered", async () => {
  const rig = new SessionRig();
  const link = rig.live();
  for (const ref of ["1", "2"]) {
    rig.join(`realtime:${ref}`, {}, ref);
    rig.joined(link, `realtime:${ref}`, [], ref);
  }
  const payload = { type: "presence", event: "track", payload: {} };
  rig.push({ join_ref: "1", ref: "3", topic: "realtime:1", event: "presence", payload });
  rig.push({ join_ref: "2", ref: "4", topic: "realtime:2", event: "phx_leave", payload: {} });
  rig.delivered.length = 0;
  rig.lose(link);
  await rig.settle();
  assert.deepEqual(rig.delivered.map(({ event, ref, payload }) => [event, ref, payload.status]), [
    ["phx_reply", "3", "ok"],
    ["phx_reply", "4", "ok"],
    ["phx_close", "2", undefined],
  ]);
});

Deno.test("who leaves and joins again has missed nothing, nor has who is not joined yet", async () => {
  const rig = new SessionRig();
  const link = rig.live();
  rig.join(TOPIC);
  rig.joined(link, TOPIC);
  rig.push({ join_ref: "1", ref: "2", topic: TOPIC, event: "phx_leave", payload: {} });
  rig.join(TOPIC, {}, "3");
  const lost = { extension: "relay", status: "gap", from: 0, to: 1_000 };
  rig.bring(link, { topic: TOPIC, event: "system", payload: lost });
  rig.joined(link, TOPIC, [], "3");
  await rig.settle();
  assert.deepEqual(rig.events("system"), []);
});

Deno.test("a channel that Realtime ends is told, and a close of an earlier join is not", () => {
  const rig = new SessionRig();
  const link = rig.live();
  rig.join(TOPIC);
  rig.joined(link, TOPIC);
  const end = (ref: string) =>
    rig.bring(link, { ref, topic: TOPIC, event: "phx_error", payload: { reason: "crash" } });
  end("0");
  assert.deepEqual(rig.events("phx_error"), []);
  end("1");
  assert.equal(rig.events("phx_error").length, 1);
  assert.deepEqual(rig.session.standings.map(({ state }) => state), ["refused"]);
});

Deno.test("a channel that has failed has a gap from then on when it is joined again", async () => {
  const rig = new SessionRig();
  const link = rig.live();
  rig.join(TOPIC);
  rig.joined(link, TOPIC);
  const last = rig.time;
  rig.bring(link, { ref: "1", topic: TOPIC, event: "phx_error", payload: { reason: "crash" } });
  rig.time += 60_000;
  rig.join(TOPIC, {}, "2");
  rig.joined(link, TOPIC, [], "2");
  await rig.settle();
  assert.deepEqual(rig.events("system").map(({ payload }) => payload.from), [last - 10_000]);
});

Deno.test("a subscription that had worked is tried again three times, and then it is told", async () => {
  const rig = new SessionRig("2.0.0", [{
    ...clicks,
    async *read() {
      yield await Promise.resolve([]);
    },
  }]);
  const first = rig.live();
  rig.join(TOPIC);
  rig.joined(first, TOPIC, [BINDING]);
  rig.lose(first);
  const link = rig.live();
  const states = [];
  for (let joins = 1; joins <= 4; joins++) {
    assert.equal(rig.out(link, "phx_join").length, joins);
    const payload = { status: "ok", response: { postgres_changes: [BINDING] } };
    const { ref, join_ref } = rig.out(link, "phx_join").at(-1)!;
    rig.bring(link, { ref, join_ref, topic: TOPIC, event: "phx_reply", payload });
    // The first is refused, the others are not answered.
    const system = { extension: "postgres_changes", status: "error", message: "Not now." };
    if (joins === 1) rig.bring(link, { join_ref, topic: TOPIC, event: "system", payload: system });
    else wait(rig, 10_000);
    states.push(rig.session.standings[0].state);
    wait(rig, 5_000);
    await rig.settle();
  }
  assert.deepEqual(states, ["waiting", "waiting", "waiting", "joined"]);
  const words = rig.events("system").map(({ payload }) => payload.reason ?? payload.message);
  const late = "Subscribing to PostgreSQL takes too long.";
  assert.deepEqual(words.filter((word) => word === late), [late, late], "an error, and a gap");
  assert.equal(rig.session.standings[0].reason, late);
  const { join_ref } = rig.out(link, "phx_join").at(-1)!;
  const ok = { extension: "postgres_changes", status: "ok", message: "Subscribed" };
  rig.bring(link, { join_ref, topic: TOPIC, event: "system", payload: ok });
  await rig.settle();
  const { state, reason } = rig.session.standings[0];
  assert.deepEqual([state, reason], ["joined", undefined]);
});

const CLOSE = { join_ref: "1", ref: "1", topic: TOPIC, event: "phx_close", payload: {} };

Deno.test("what the active socket brings does not wait for a subscription on the next one", () => {
  const rig = new SessionRig();
  const link = rig.live();
  rig.join(TOPIC);
  rig.joined(link, TOPIC, [BINDING]);
  const next = rig.next();
  // The join was sent twice: the second answer has the first one's subscription behind it.
  for (let answers = 0; answers < 2; answers++) rig.joined(next, TOPIC, [BINDING]);
  rig.bring(next, CLOSE);
  rig.bring(link, change(TOPIC, [BINDING.id], "INSERT", { id: 1 }));
  assert.equal(rig.events("postgres_changes").length, 1);
});

Deno.test("a join that has no answer is sent again, though the close of what it replaced has come", () => {
  const rig = new SessionRig();
  const link = rig.live();
  rig.join(TOPIC);
  rig.joined(link, TOPIC, [BINDING]);
  const payload = { extension: "postgres_changes", status: "error", message: "Not now." };
  rig.lose(link);
  const other = rig.live();
  rig.bring(other, {
    ...CLOSE,
    event: "phx_reply",
    payload: { status: "ok", response: { postgres_changes: [BINDING] } },
  });
  rig.bring(other, { ...CLOSE, ref: null, event: "system", payload });
  wait(rig, 2_000);
  assert.equal(rig.out(other, "phx_join").length, 2);
  rig.bring(other, CLOSE);
  wait(rig, 8_500);
  const [{ state, reason }] = rig.session.standings;
  assert.deepEqual([state, reason], ["waiting", "Realtime does not answer the join."]);
});

/** Time passes, and whatever is due by then. */
function wait(rig: SessionRig, ms: number): void {
  const end = rig.time + ms;
  while (rig.dueAt <= end) {
    rig.time = Math.max(rig.time, rig.dueAt);
    rig.tell({ is: "due" });
  }
  rig.time = end;
}
