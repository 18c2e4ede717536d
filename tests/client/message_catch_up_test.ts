import assert from "node:assert/strict";
import { tableCatchUp } from "../../client/catch_up.ts";
import { decode, type Json } from "../../client/frame.ts";
import { messageCatchUp, type MessageCatchUpOptions } from "../../client/message_catch_up.ts";
import { ScriptedWorld } from "./support/scripted_server.ts";
import { broadcast, SessionRig } from "./support/session_rig.ts";
import { Database, TOPIC, Watched } from "./support/watched.ts";

Deno.test("a private channel asks for the server's time once, when it is first joined", async () => {
  const watched = await Watched.join();
  const asked: Json[] = watched.database.asked;
  assert.deepEqual([...asked], [{ topic: "orders:7" }]);
  watched.lose();
  watched.back();
  await watched.rig.settle();
  assert.equal(asked.filter(({ since, after_id }) => !since && !after_id).length, 1);
});

Deno.test("a public channel, and one that mirrors a table, asks for nothing", async () => {
  const database = new Database(() => 0);
  const mirrored = tableCatchUp(
    { schema: () => assert.fail("nothing is read here") },
    "orders",
    { key: "id", time: "made_at", topic: "orders:{room}" },
  );
  const rig = new SessionRig("2.0.0", [messageCatchUp(database), mirrored]);
  const link = rig.live();
  rig.join("realtime:public");
  rig.joined(link, "realtime:public");
  rig.join(TOPIC, { private: true }, "2");
  rig.joined(link, TOPIC, [], "2");
  await rig.settle();
  assert.deepEqual(database.asked, []);
});

Deno.test("what the database sent is there after the gap, once, in order, before newer events", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  const { rig, database } = watched;
  for (const n of [1, 2, 3]) {
    watched.pass(20_000);
    watched.live(`id-${n}`, { n });
  }
  watched.lose();
  for (const n of [4, 5, 6]) {
    rig.time += 60_000;
    database.send(`id-${n}`, { n });
  }
  watched.back();
  watched.live("id-7", { n: 7 });
  await rig.settle();
  assert.deepEqual(watched.payloads, [1, 2, 3, 4, 5, 6, 7].map((n) => ({ n })));
  assert.deepEqual(watched.gaps, []);
  const { config } = rig.out(watched.link, "phx_join")[0].payload as { config: Json };
  assert.deepEqual(config.broadcast, {}, "no replay");
});

Deno.test("a message has the very shape of a live one", async () => {
  const watched = await Watched.join();
  const { rig, database } = watched;
  watched.live("id-1", { n: 1 });
  watched.lose();
  database.send("id-2", { n: 2 });
  database.send("id-3", null, 0, { binary_payload: "\\x00ff7b" });
  watched.back();
  await rig.settle();
  const [live, read, binary] = rig.events("broadcast");
  const like = (n: number, id: string) => ({ ...live.payload, payload: { n }, meta: { id } });
  assert.deepEqual({ ...read, payload: read.payload }, { ...live, payload: like(2, "id-2") });
  assert.deepEqual(binary.payload, {
    type: "broadcast",
    event: "e",
    payload: [0, 255, 123],
    meta: { id: "id-3" },
  });
});

for (const [vsn, payloads] of [["2.0.0", ["ArrayBuffer", "b"]], ["1.0.0", ["b"]]] as const) {
  Deno.test(`vsn ${vsn}: binary messages come as live ones do`, async () => {
    const database: Database = new Database(() => world.now);
    const world: ScriptedWorld = new ScriptedWorld({ catchUp: [messageCatchUp(database)] }, vsn);
    const came: unknown[] = [];
    const { face } = await world.live(TOPIC, { private: true });
    face.onmessage = ({ data }) => {
      if (typeof data !== "string") return void came.push("ArrayBuffer");
      const { event, payload } = decode(vsn, data);
      if (event === "broadcast") came.push(payload.payload);
    };
    await world.settle();
    world.socket.refuse(1006, "");
    database.send("id-1", null, 0, { binary_payload: "\\x00ff" });
    database.send("id-2", "b" as unknown as Json);
    await world.pass(1_000);
    world.socket.open();
    await world.settle();
    await world.settle();
    assert.deepEqual(came, payloads);
    face.close();
  });
}

Deno.test("transactions that commit late are read: 30 s before the gap, each id once", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  const { rig, database } = watched;
  for (let n = 1; n <= 120; n++) {
    watched.pass(1_000);
    watched.live(`id-${n}`, { n });
  }
  watched.lose();
  rig.time += 1_000;
  database.send("late", { n: "late" }, 28_000);
  watched.back();
  await rig.settle();
  assert.deepEqual(watched.payloads.slice(119), [{ n: 120 }, { n: "late" }]);
  assert.equal(watched.payloads.length, 121);
  assert.deepEqual(watched.gaps, []);
  const [, { after_id }] = database.asked;
  assert.match(String(after_id), /^id-(79|80)$/, "no more than the overlap is read");
});

Deno.test("what may be from before the join is told, not delivered", async () => {
  const watched = new Watched({ databaseOnly: true });
  watched.database.send("before", { n: 0 }, 5_000);
  await watched.join();
  watched.lose();
  watched.database.send("missed", { n: 1 });
  watched.back();
  await watched.rig.settle();
  assert.deepEqual(watched.payloads, [{ n: 1 }]);
  assert.deepEqual(watched.missing, ["events"]);
});

Deno.test("an old message is nobody's business when the join is older than the overlap", async () => {
  const watched = new Watched({ databaseOnly: true });
  watched.database.send("before", { n: 0 }, 5_000);
  await watched.join();
  watched.pass(60_000);
  watched.lose();
  watched.back();
  await watched.rig.settle();
  assert.deepEqual([watched.payloads, watched.gaps], [[], []]);
});

Deno.test("page by page, until one is empty", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  const { database } = watched;
  database.page = 10;
  watched.lose();
  for (let n = 1; n <= 35; n++) database.send(`id-${n}`, { n });
  watched.back();
  await watched.rig.settle();
  await watched.rig.settle();
  assert.deepEqual(watched.payloads, Array.from({ length: 35 }, (_, i) => ({ n: i + 1 })));
  const after = database.asked.slice(2).map(({ after_id }) => after_id);
  assert.deepEqual(after, ["id-10", "id-20", "id-30", "id-35"]);
  assert.deepEqual(watched.gaps, []);
});

Deno.test("an API that cuts an answer where a page is full loses nothing", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  const { database, rig } = watched;
  database.page = database.cap = 10;
  watched.lose();
  for (let n = 1; n <= 35; n++) database.send(`id-${n}`, { n });
  watched.back();
  await rig.settle();
  await rig.settle();
  assert.deepEqual(watched.payloads, Array.from({ length: 35 }, (_, i) => ({ n: i + 1 })));
  assert.deepEqual(watched.gaps, []);
});

Deno.test("after 20 pages a gap is told, and what it lost does not come late", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  const { database, rig } = watched;
  database.page = 1;
  watched.lose();
  for (let n = 1; n <= 30; n++) database.send(`id-${n}`, { n });
  rig.time += 1_000;
  watched.back();
  for (let i = 0; i < 10; i++) await rig.settle();
  assert.equal(watched.payloads.length, 20);
  assert.deepEqual(watched.missing, ["events"]);
  assert.match(String(watched.gaps[0].reason), /too many/);
  watched.pass(60_000);
  database.page = 1_000;
  watched.live("live", { n: "live" });
  watched.lose();
  database.send("next", { n: "next" });
  watched.back();
  await rig.settle();
  assert.deepEqual(watched.payloads.slice(20), [{ n: "live" }, { n: "next" }]);
  assert.deepEqual(watched.missing, ["events"]);
});

Deno.test("live events wait for 30 s, then a gap is told and they go on", async () => {
  const watched = await Watched.join();
  const { database, rig } = watched;
  database.hangs = true;
  watched.lose();
  watched.back();
  await rig.settle();
  watched.live("id-1", { n: 1 });
  rig.time += 29_000;
  rig.tell({ is: "due" });
  assert.deepEqual(watched.payloads, []);
  rig.time += 1_000;
  rig.tell({ is: "due" });
  assert.deepEqual(watched.payloads, [{ n: 1 }]);
  assert.deepEqual(watched.missing, ["events"]);
});

Deno.test("what clients may have sent is told, unless nobody but the database sends", async () => {
  const missing = async (options: MessageCatchUpOptions, config: Json) => {
    const watched = await Watched.join(options, config);
    watched.lose();
    watched.back();
    await watched.rig.settle();
    return watched.missing;
  };
  const broadcasts = { broadcast: { ack: false, self: false } };
  assert.deepEqual(await missing({}, broadcasts), ["unstored"]);
  assert.deepEqual(await missing({ databaseOnly: true }, broadcasts), []);
});

for (
  const [what, status, code] of [
    ["the function is not there", 404, "PGRST202"],
    ["it cannot be asked", 500, "XX000"],
  ] as const
) {
  Deno.test(`where ${what} Realtime's replay stands in`, async () => {
    const watched = new Watched();
    watched.database.failure = { error: { code, message: "no" }, status };
    await watched.join();
    watched.live("id-1", { n: 1 });
    watched.lose();
    watched.back();
    const { rig, link } = watched;
    const { config } = rig.out(link, "phx_join")[0].payload as { config: Json };
    assert.match(JSON.stringify(config.broadcast), /"limit":25/);
    rig.bring(link, broadcast(TOPIC, { n: 2 }, "id-2", true));
    await rig.answered(link);
    assert.deepEqual(watched.payloads, [{ n: 1 }, { n: 2 }]);
    assert.deepEqual(watched.missing, ["events"], "this machine's clock was asked by");
  });
}

Deno.test("a gap of more than 72 hours is told", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  watched.lose();
  watched.rig.time += 73 * 3_600_000;
  watched.back();
  await watched.rig.settle();
  assert.deepEqual(watched.missing, ["events"]);
});

const changed = (id: number, seq: number) => ({
  ...{ operation: "UPDATE", schema: "public", table: "orders" },
  ...{ record: { id, seq }, old_record: { id }, seq },
});
const seqs = ({ payloads }: Watched) => payloads.map((each) => (each as { seq: number }).seq);

Deno.test("changes of a row come by seq, though their transactions began in another order", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  const { database, rig } = watched;
  database.page = 2;
  watched.live("a", changed(1, 1));
  watched.lose();
  rig.time += 40_000;
  database.send("d", changed(1, 4), 25_000);
  for (let n = 1; n < 4; n++) database.send(`x-${n}`, changed(2, 4 + n), 25_000 - n);
  database.send("b", changed(1, 2), 20_000);
  database.send("y", changed(2, 8), 15_000);
  database.send("c", changed(1, 3), 10_000);
  watched.back();
  await rig.settle();
  await rig.settle();
  assert.deepEqual(seqs(watched).filter((seq) => seq < 5), [1, 2, 3, 4]);
  assert.deepEqual(watched.gaps, []);
});

/**
 * A transaction that began early commits behind the first page, and another one that waited for its row
 * behind it: the next page has the second alone, and both come live.
 */
for (const others of [0, 3]) {
  Deno.test(`changes that are committed while pages are read come by seq, ${others} others between`, async () => {
    const watched = await Watched.join({ databaseOnly: true });
    const { database, rig } = watched;
    database.page = 2;
    watched.pass(60_000);
    watched.lose();
    rig.time += 60_000;
    for (let n = 1; n <= others; n++) database.send(`old-${n}`, changed(3, n), 35_000 - n);
    database.send("z-1", changed(9, 11), 100);
    database.send("z-2", changed(9, 12), 90);
    const commit = (id: string, row: number, seq: number, began: number) => {
      database.send(id, changed(row, seq), began);
      rig.bring(watched.link, broadcast(TOPIC, changed(row, seq), id));
    };
    const behind = Math.ceil(others / 2);
    database.meanwhile[behind] = () => {
      commit("a", 1, 21, 20_000);
      commit("b", 1, 22, 80);
      commit("c", 2, 23, 19_000);
      commit("d", 1, 24, 18_000);
    };
    watched.back();
    for (let i = 0; i < 4; i++) await rig.settle();
    const came = seqs(watched).filter((seq) => seq > 10);
    assert.deepEqual(came.filter((seq) => [21, 22, 24].includes(seq)), [21, 22, 24]);
    assert.deepEqual(came.toSorted(), [11, 12, 21, 22, 23, 24]);
    assert.equal(watched.payloads.length, 6 + others);
    assert.deepEqual(watched.gaps, []);
  });
}

Deno.test("what is below the row's last seq is told, not delivered, and told once", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  const { database, rig } = watched;
  watched.pass(1_000);
  watched.live("b", changed(1, 2));
  watched.lose();
  database.send("a", changed(1, 1), 500);
  database.send("c", changed(1, 3));
  watched.back();
  await rig.settle();
  assert.deepEqual(seqs(watched), [2, 3]);
  assert.deepEqual(watched.missing, ["events"]);
  const reads = database.asked.length;
  rig.tell({ is: "due" });
  await rig.settle();
  assert.deepEqual(watched.missing, ["events"]);
  assert.equal(database.asked.length, reads, "nothing is read for it");
});

Deno.test("a live change below the row's last seq is told, and nothing comes twice for it", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  const { rig } = watched;
  watched.live("b", changed(1, 2));
  for (let n = 1; n <= 200; n++) {
    watched.pass(1_000);
    watched.live(`id-${n}`, { n });
  }
  watched.live("a", changed(1, 1));
  rig.tell({ is: "due" });
  await rig.settle();
  assert.equal(watched.payloads.length, 201);
  assert.deepEqual(watched.missing, ["events"]);
});

Deno.test("what a peer says to be a change does not hide the database's", async () => {
  const watched = await Watched.join();
  watched.rig.bring(watched.link, broadcast(TOPIC, changed(1, 1_000_000)));
  watched.live("a", changed(1, 7));
  assert.deepEqual(seqs(watched), [1_000_000, 7]);
  assert.deepEqual(watched.gaps, []);
});

Deno.test("rows are told apart by the columns that are named for their table", async () => {
  const watched = await Watched.join({ keys: { orders: ["id", "part"] } });
  const of = (part: string, seq: number) => {
    const change = changed(1, seq);
    return { ...change, record: { ...change.record, part } };
  };
  watched.live("a", of("x", 9));
  watched.live("b", of("y", 8));
  assert.deepEqual(seqs(watched), [9, 8]);
});

Deno.test("where Realtime's replay stands in, which reverses a transaction, rows are in order too", async () => {
  const watched = new Watched();
  watched.database.failure = { error: { code: "PGRST202", message: "no" }, status: 404 };
  await watched.join();
  watched.lose();
  watched.back();
  const { rig, link } = watched;
  for (const seq of [3, 2, 1]) rig.bring(link, broadcast(TOPIC, changed(1, seq), `${seq}`, true));
  await rig.answered(link);
  assert.deepEqual(seqs(watched), [1, 2, 3]);
  assert.deepEqual(watched.missing, ["events"], "this machine's clock was asked by");
});

Deno.test("the server's time is asked again where it was not answered, less and less often", async () => {
  const watched = new Watched({ databaseOnly: true });
  const { rig, database } = watched;
  database.failure = { error: { code: "XX000", message: "no" }, status: 503 };
  await watched.join();
  for (let i = 0; i < 20; i++) {
    rig.time = rig.dueAt;
    rig.tell({ is: "due" });
    await rig.settle();
  }
  assert.equal(database.asked.length, 21);
  const waited = rig.time - 1_000_000;
  assert.ok(waited > 200_000 && waited < 20 * 30_000, `asked for ${waited} ms`);
  database.failure = undefined;
  rig.time = rig.dueAt;
  rig.tell({ is: "due" });
  await rig.settle();
  assert.equal(rig.dueAt, Infinity, "and no more once it is known");
  watched.pass(60_000);
  watched.lose();
  database.send("missed", { n: 1 });
  watched.back();
  await rig.settle();
  assert.deepEqual([watched.payloads, watched.gaps], [[{ n: 1 }], []]);
});

Deno.test("who cannot be told the server's time at all is not asked again", async () => {
  const watched = new Watched();
  watched.database.failure = { error: { code: "PGRST202", message: "no" }, status: 404 };
  await watched.join();
  assert.equal(watched.rig.dueAt, Infinity);
});

Deno.test("the time that is answered while something is missing is not the channel's start", async () => {
  const watched = new Watched({ databaseOnly: true });
  const { rig, database } = watched;
  const answer = Promise.withResolvers<void>();
  database.late = answer.promise;
  await watched.join();
  watched.lose();
  rig.time += 60_000;
  database.send("missed", { n: 1 });
  answer.resolve();
  await rig.settle();
  watched.back();
  rig.bring(watched.link, broadcast(TOPIC, { n: 1 }, "missed", true));
  await rig.answered(watched.link);
  assert.deepEqual(watched.payloads, [{ n: 1 }]);
  assert.deepEqual(watched.missing, ["events"], "by Realtime's replay");
});

Deno.test("messages that could not be read do not come with the next gap", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  const { rig, database } = watched;
  watched.pass(60_000);
  watched.lose();
  database.send("lost", { n: "lost" });
  database.failure = { error: { code: "57014", message: "statement timeout" }, status: 500 };
  watched.back();
  await rig.settle();
  assert.deepEqual(watched.missing, ["events"]);
  database.failure = undefined;
  watched.pass(60_000);
  watched.live("live", { n: "live" });
  watched.lose();
  watched.back();
  await rig.answered(watched.link);
  assert.deepEqual(watched.payloads, [{ n: "live" }], "nothing older behind it");
});

Deno.test("one gap after the other brings each message once", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  const { rig, database } = watched;
  for (let n = 1; n <= 20; n++) {
    watched.pass(9_000);
    watched.live(`live-${n}`, { n });
    watched.lose();
    rig.time += 5_000;
    database.send(`missed-${n}`, { n: n + 0.5 }, 4_000);
    watched.back();
    await rig.settle();
  }
  const all = Array.from({ length: 40 }, (_, i) => ({ n: 1 + i / 2 }));
  assert.deepEqual(watched.payloads, all);
  assert.deepEqual(watched.gaps, []);
});

Deno.test("what is silent is read from the end of the last read, not from the join", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  const { rig, database } = watched;
  for (const silence of [3_600_000, 3_600_000]) {
    watched.pass(silence);
    watched.lose();
    watched.back();
    await rig.settle();
  }
  const [, first, second] = database.asked.map(({ since }) => since);
  assert.deepEqual([first, second], [database.at(1_000_000), database.at(1_000_000 + 3_600_000)]);
});

Deno.test("a read that a second loss ends is begun again, and brings each message once", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  const { rig, database } = watched;
  database.page = 2;
  watched.lose();
  for (let n = 1; n <= 6; n++) {
    rig.time += 20_000;
    database.send(`id-${n}`, { n });
  }
  watched.back();
  for (let i = 0; i < 12 && watched.payloads.length < 2; i++) await Promise.resolve();
  const { length } = watched.payloads;
  assert.ok(length > 0 && length < 6, `${length} came before the second loss`);
  watched.lose();
  rig.time += 300_000;
  watched.back();
  await rig.settle();
  await rig.settle();
  assert.deepEqual(watched.payloads, [1, 2, 3, 4, 5, 6].map((n) => ({ n })));
  assert.deepEqual(watched.gaps, []);
});

Deno.test("a read that a doubt has stopped begins where it had begun", async () => {
  const watched = await Watched.join({}, { broadcast: {} });
  const { rig, database } = watched;
  for (const n of [1, 2, 3]) {
    watched.pass(600_000);
    watched.live(`id-${n}`, { n });
  }
  watched.pass(60_000);
  const from = rig.time - 10_000;
  watched.lose();
  database.send("id-4", { n: 4 });
  database.hangs = true;
  watched.back();
  await rig.settle();
  rig.doubt(watched.link);
  database.hangs = false;
  rig.settle(watched.link);
  await rig.settle();
  assert.deepEqual(watched.payloads, [1, 2, 3, 4].map((n) => ({ n })));
  const gaps = watched.gaps.map(({ from, missing }) => ({ from, missing }));
  assert.deepEqual(gaps, [{ from, missing: "unstored" }]);
});

Deno.test("only what may have been open when the first page was read is read once more", async () => {
  const at = (seconds: number) => new Date(seconds * 1_000).toISOString();
  const row = (id: string, seconds: number) => ({
    ...{ id, event: "e", inserted_at: at(seconds) },
    payload: { schema: "public", table: "seats", seq: seconds, record: { id: 1 } },
  });
  const pages = [[row("1", 10), row("2", 20)], [row("3", 90)], [], []];
  const asked: unknown[] = [];
  const supabase = {
    rpc(_name: string, { after_id }: { after_id?: string }) {
      asked.push(after_id);
      const data = [...pages[asked.length - 1], { id: null, inserted_at: at(100) }];
      return { abortSignal: () => Promise.resolve({ data }) };
    },
  };
  const ids: unknown[] = [];
  const { signal } = new AbortController();
  for await (const rows of messageCatchUp(supabase).read({ since: at(0), topic: "t", signal })) {
    ids.push(...rows.map(({ id }) => id));
  }
  assert.deepEqual(ids, ["1", "2", "3", null]);
  assert.deepEqual(asked, [undefined, "2", "3", "2"]);
});
