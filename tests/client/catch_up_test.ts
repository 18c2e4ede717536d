import assert from "node:assert/strict";
import {
  type CatchUp,
  type CatchUpRequest,
  conditions,
  KEY_TEXT,
  tableCatchUp,
} from "../../client/catch_up.ts";
import type { Json } from "../../client/frame.ts";
import { History } from "../../client/gap/history.ts";
import { identify } from "../../client/gap/identity.ts";
import type { Link } from "../../client/session/link.ts";
import { thaw } from "../../client/session/links.ts";
import { assertLinear } from "../support/cost.ts";
import { BINDING, broadcast, change, SessionRig, token } from "./support/session_rig.ts";

const TOPIC = "realtime:room";
const options = { key: "id", time: "clicked_at" };
const mirrored = { ...options, topic: "clicks:{slug}", event: "click", payload: ["id", "slug"] };
const nobody = { schema: () => assert.fail("nothing is read here") };

/** A table that a test fills; `asked` are the requests. */
function tableOf(rows: Json[], more: Partial<CatchUp> = {}) {
  const asked: { since: string; filter?: string }[] = [];
  const catchUp: CatchUp = {
    ...tableCatchUp(nobody, "url_clicks", mirrored),
    async *read({ since, filter }) {
      asked.push({ since, filter });
      yield await Promise.resolve(rows);
    },
    ...more,
  };
  return { catchUp, asked };
}

const row = (id: number, at = 0) => ({ id, slug: "docs", clicked_at: new Date(at).toISOString() });

/** Loses the socket of a joined topic, and joins it on another. */
function interrupt(rig: SessionRig, topic: string, bindings: Json[]) {
  rig.lose(rig.session.active!);
  const link = rig.live();
  rig.joined(link, topic, bindings);
  return link;
}

/** What the application was told of a topic's gap. */
const told = (rig: SessionRig) =>
  rig.events("system").find(({ payload }) => payload.status === "gap")?.payload.missing;

Deno.test("rows that were missed come as INSERTs, once, and before newer live events", async () => {
  const at = 1_000_000;
  const { catchUp, asked } = tableOf([row(1, at + 60_000), ...[2, 3, 4].map((id) => row(id, at))]);
  const rig = new SessionRig("2.0.0", [catchUp]);
  const binding = { id: 11, event: "INSERT", schema: "public", table: "url_clicks" };
  const filtered = { ...binding, id: 12, filter: "slug=eq.docs" };
  rig.time = at;
  const first = rig.live();
  rig.join(TOPIC);
  rig.joined(first, TOPIC, [binding, filtered]);
  rig.time += 60_000;
  rig.bring(first, change(TOPIC, [11, 12], "INSERT", row(1, rig.time)));
  const link = interrupt(rig, TOPIC, [binding, filtered]);
  rig.bring(link, change(TOPIC, [11, 12], "INSERT", row(4, at)));
  rig.bring(link, change(TOPIC, [11, 12], "INSERT", row(5, at)));
  await rig.settle();
  const events = rig.events("postgres_changes").map(({ payload }) => {
    const { data, ids } = payload as { data: { record: { id: number } }; ids: number[] };
    return [data.record.id, ids.join()];
  });
  const [one, two] = [[2, 3, 4], [2, 3, 4]];
  assert.deepEqual(events, [
    [1, "11,12"],
    ...one.map((id) => [id, "11"]),
    ...two.map((id) => [id, "12"]),
    [5, "11,12"],
  ]);
  const since = new Date(at + 60_000 - 30_000).toISOString();
  assert.deepEqual(asked, [{ since, filter: undefined }, { since, filter: "slug=eq.docs" }]);
  assert.equal(rig.events("system").length, 1, "Subscribed, and no gap");
  assert.equal(rig.session.figures.caughtUp, 6);
});

/** `replayed`: the channel's broadcasts are replayed meanwhile, and are complete first. */
async function beginAgain(replayed: boolean): Promise<void> {
  const at = 1_000_000;
  let fails = true;
  const { catchUp } = tableOf([]);
  const rows = [row(1, at + 600_000), row(2, at + 60_000)];
  const read = async function* (request: CatchUpRequest) {
    if (request.filter === "id=gt.1" && fails) {
      fails = false;
      throw new Error("503");
    }
    const from = Date.parse(request.since);
    yield await Promise.resolve(
      rows.filter(({ id, clicked_at }) =>
        request.filter === `id=gt.${id - 1}` && Date.parse(clicked_at) >= from
      ),
    );
  };
  const rig = new SessionRig("2.0.0", [{ ...catchUp, read }]);
  const binding = { event: "INSERT", schema: "public", table: "url_clicks" };
  const bindings = [
    { ...binding, id: 11, filter: "id=gt.1" },
    { ...binding, id: 12, filter: "id=gt.0" },
  ].toReversed();
  rig.time = at;
  const first = rig.live();
  rig.join(TOPIC, { private: replayed });
  rig.joined(first, TOPIC, bindings);
  rig.bring(first, change(TOPIC, [12], "INSERT", row(0, at), new Date(at).toISOString()));
  if (replayed) rig.bring(first, broadcast(TOPIC, "hello"));
  rig.time += 660_000;
  const link = interrupt(rig, TOPIC, bindings);
  await rig.settle();
  if (replayed) rig.answerOwn(link);
  rig.time += 2_000;
  rig.tell({ is: "due" });
  await rig.settle();
  assert.equal(fails, false);
  assert.equal(rig.events("postgres_changes").length, 3, "the first live, and two that were read");
  assert.equal(told(rig), replayed ? "events" : undefined);
}

Deno.test("a read that fails behind another's is begun again from where both began", () =>
  beginAgain(false));

Deno.test("so it is where the channel's broadcasts are complete before its rows", () =>
  beginAgain(true));

Deno.test("a topic that mirrors a table gets its rows as broadcasts, and asks for no replay", async () => {
  assert.equal(await mirrorMisses(["id", "slug", "clicked_at"]), undefined);
});

Deno.test("where its payload tells no time, rows of the day before may have been missed", async () => {
  assert.equal(await mirrorMisses(["id", "slug"]), "events");
});

/** The second of two rows is missed, of which the first came live. Returns what was told as missing. */
async function mirrorMisses(payload: (keyof ReturnType<typeof row>)[]) {
  const { mirror } = tableCatchUp(nobody, "url_clicks", { ...mirrored, payload });
  const { catchUp, asked } = tableOf([row(1, 1_000), row(2, 2_000)], { mirror });
  const bodyOf = (row: Json) => Object.fromEntries(payload.map((name) => [name, row[name]]));
  const rig = new SessionRig("2.0.0", [catchUp]);
  const topic = "realtime:clicks:docs";
  const first = rig.live();
  rig.join(topic, { private: true });
  rig.joined(first, topic);
  const live = broadcast(topic, bodyOf(row(1, 1_000)), "some-uuid");
  live.payload.event = "click";
  rig.bring(first, live);
  const link = interrupt(rig, topic, []);
  const { config } = rig.out(link, "phx_join")[0].payload as { config: Json };
  assert.deepEqual(config.broadcast, {});
  await rig.settle();
  const [, caughtUp] = rig.events("broadcast");
  assert.deepEqual(caughtUp.payload, {
    type: "broadcast",
    event: "click",
    payload: bodyOf(row(2, 2_000)),
  });
  assert.deepEqual(new Set(asked.map(({ filter }) => filter)), new Set([`slug=eq."docs"`]));
  // This machine's clock is a quarter of an hour ahead of what the row has told.
  const since = payload.includes("clicked_at") ? 1_000 - 30_000 : rig.time - 10_000;
  assert.equal(asked.at(-1)!.since, new Date(since).toISOString());
  return told(rig);
}

const gaps: [string, Json, Json[], string | undefined][] = [
  ["a table that nobody can read", {}, [{ id: 1, event: "INSERT", table: "other" }], "events"],
  ["UPDATE and DELETE", {}, [{ id: 1, event: "*", table: "url_clicks" }], "updates"],
  ["INSERTs that were read", {}, [{ id: 1, event: "INSERT", table: "url_clicks" }], undefined],
  ["a public topic", {}, [], "events"],
];

for (const [what, config, bindings, missing] of gaps) {
  Deno.test(`${what}: ${missing ?? "nothing"} may be missing`, async () => {
    const rig = new SessionRig("2.0.0", [tableOf([]).catchUp]);
    const first = rig.live();
    const whole = bindings.map((binding) => ({ schema: "public", ...binding }));
    rig.join(TOPIC, config);
    rig.joined(first, TOPIC, whole);
    interrupt(rig, TOPIC, whole);
    await rig.settle();
    assert.equal(told(rig), missing);
  });
}

for (const event of ["insert", "Insert"]) {
  Deno.test(`a subscription to "${event}" and to no schema is caught up as Realtime serves it`, async () => {
    const rig = new SessionRig("2.0.0", [tableOf([row(1)]).catchUp]);
    const bindings = [{ id: 1, event, table: "url_clicks" }];
    rig.join(TOPIC);
    rig.joined(rig.live(), TOPIC, bindings);
    rig.bring(rig.session.active!, change(TOPIC, [1], "INSERT", row(0)));
    interrupt(rig, TOPIC, bindings);
    await rig.settle();
    assert.equal(rig.events("postgres_changes").length, 2);
    assert.equal(told(rig), undefined);
  });
}

/** A table's commit tells the database's clock. */
function tellClock(rig: SessionRig, link: Link): void {
  const topic = "realtime:clock";
  rig.join(topic, {}, "2");
  rig.joined(link, topic, [BINDING], "2");
  rig.bring(link, change(topic, [11], "INSERT", row(1), new Date(rig.time).toISOString()));
}

for (
  const [replayed, known, isClockKnown, missing] of [
    [25, false, true, "events"],
    [25, true, true, "events"],
    [24, false, false, "events"],
    [24, true, false, "events"],
    [24, false, true, "unstored"],
  ] as const
) {
  const what = `${known ? "one" : "none"} of them known, ` +
    `by ${isClockKnown ? "the server's clock" : "this machine's clock"}`;
  Deno.test(`${replayed} replayed, ${what}: ${missing} may be missing`, async () => {
    const rig = new SessionRig();
    const first = rig.live();
    rig.join(TOPIC, { private: true });
    rig.joined(first, TOPIC);
    rig.time += 60_000;
    first.freshAt = rig.time;
    if (isClockKnown) tellClock(rig, first);
    if (known) rig.bring(first, broadcast(TOPIC, 0, "id-0"));
    const link = interrupt(rig, TOPIC, []);
    for (let i = 0; i < replayed; i++) rig.bring(link, broadcast(TOPIC, i, `id-${i}`, true));
    await rig.answered(link);
    assert.equal(told(rig), missing);
    assert.equal(rig.events("broadcast").length, replayed);
  });
}

Deno.test("a replay of what came just behind the join may lack what had begun before it", async () => {
  const rig = new SessionRig();
  const first = rig.live();
  rig.join(TOPIC, { private: true });
  rig.joined(first, TOPIC);
  tellClock(rig, first);
  const link = interrupt(rig, TOPIC, []);
  await rig.answered(link);
  assert.equal(told(rig), "events");
});

Deno.test("filters of Postgres Changes are read as PostgREST has them", () => {
  assert.equal(conditions("slug=eq.a.b"), "slug.eq.a.b");
  assert.equal(conditions("slug=eq.a=b, n=lt.3"), "slug.eq.a=b,n.lt.3");
  assert.equal(conditions('a=in.(1,"x,y=z"),b=not.is.null'), 'a.in.(1,"x,y=z"),b.not.is.null');
  assert.equal(conditions('a=eq."x,y=z"'), 'a.eq."x,y=z"');
});

Deno.test("a topic is matched with its column, and only as a whole", () => {
  const { mirror } = tableCatchUp(nobody, "url_clicks", mirrored);
  assert.equal(mirror!("clicks:docs")!.filter, `slug=eq."docs"`);
  for (const other of ["clicks:", "click", "other"]) assert.equal(mirror!(other), undefined);
  const whole = tableCatchUp(nobody, "t", { ...options, topic: "all" }).mirror!;
  assert.deepEqual([whole("all")!.filter, whole("all")!.event], [undefined, "INSERT"]);
  assert.equal(whole("allx"), undefined);
});

Deno.test("a key is text: of a uuid, of bytes however they are written, of numbers and booleans", () => {
  const { catchUp } = tableOf([]);
  const at = "2026-01-01T00:00:00Z";
  const keyOf = (id: unknown, row?: Json) =>
    identify([catchUp], change(TOPIC, [1], "INSERT", { id, clicked_at: at }), row).keys;
  for (const [live, read] of [["0b-1", "0b-1"], ["0102", "\\x0102"], [1.50, 1.5], [true, true]]) {
    const keys = keyOf(live);
    assert.equal(keys.length, 1);
    assert.deepEqual(keyOf(read, { id: read, clicked_at: at }), keys);
  }
  for (const none of [null, undefined, {}]) assert.deepEqual(keyOf(none), []);
});

Deno.test("a time in a key is one time, whatever the zone that a session writes it in", () => {
  const { catchUp } = tableOf([], { key: ["id", "clicked_at"] });
  const keyOf = (clicked_at: string, row?: Json) =>
    identify([catchUp], change(TOPIC, [1], "INSERT", { id: 1, clicked_at }), row).keys;
  const live = keyOf("2026-01-01T01:00:00.12345+01:00");
  assert.equal(live.length, 1);
  const read = "2026-01-01T00:00:00.12345+00:00";
  assert.deepEqual(keyOf(read, { id: 1, clicked_at: read }), live);
  assert.notDeepEqual(keyOf("2026-01-01T00:00:00.123451+00:00"), live);
});

Deno.test("what a peer writes in the place of a time or a key costs in proportion to its length", () => {
  const { catchUp } = tableOf([], { key: ["id", "clicked_at"] });
  const endings = ["", "1"];
  for (const digit of ["0", "1", "10", "01"]) {
    for (const end of endings) {
      assertLinear(`${digit}${end}`, (count) => {
        const digits = digit.repeat(count) + end;
        const row = {
          id: 1,
          clicked_at: `2026-01-01T00:00:00.${digits}Z`,
          [KEY_TEXT]: [`0.${digits}`],
        };
        return () => identify([catchUp], change(TOPIC, [1], "INSERT", row), row);
      });
    }
  }
});

Deno.test("a table is read to its end where the API comes to give fewer rows at once", async () => {
  let [rows, most] = [7, 4];
  const query: Json = {
    or: (
      condition: string,
    ) => (query.from = Number(/gt\."(\d+)"/.exec(condition)?.[1] ?? 0), query),
    order: () => query,
    limit: () => query,
    abortSignal: () => {
      const from = query.from as number;
      const data = Array.from({ length: Math.min(most, rows - from) }, (_, i) => {
        const text = String(from + i + 1);
        return { id: text, relay_text_0: text, relay_text_1: text };
      });
      return { data };
    },
  };
  const supabase = { schema: () => ({ from: () => ({ select: () => query }) }) };
  const catchUp = tableCatchUp(supabase, "t", options);
  for (const limit of [4, 3]) {
    most = limit;
    let count = 0;
    const { signal } = new AbortController();
    for await (const page of catchUp.read({ since: "s", signal })) count += page.length;
    assert.equal(count, rows);
    rows++;
  }
});

Deno.test("a table is read page by page, by the text of time and key, and says where it cannot be", async () => {
  const asked: string[] = [];
  const answers: Json[] = [
    { data: [{ a: 1, b: 2, relay_text_0: "t", relay_text_1: "1", relay_text_2: '"' }] },
    { error: { message: "no such column", code: "42703" }, status: 400 },
  ];
  const query: Json = {
    or: (condition: string) => (asked.push(condition), query),
    order: () => query,
    limit: () => query,
    abortSignal: () => answers.shift(),
  };
  const supabase = { schema: () => ({ from: () => ({ select: () => query }) }) };
  const catchUp = tableCatchUp(supabase, "pairs", { key: ["a", "b"], time: "at", pageSize: 1 });
  const pages: unknown[] = [];
  const read = async () => {
    for await (const rows of catchUp.read({ since: "s", signal: new AbortController().signal })) {
      pages.push(rows);
    }
  };
  await assert.rejects(read, {
    message: "Reading public.pairs failed: no such column",
    isFinal: true,
  });
  assert.deepEqual(JSON.stringify(pages), '[[{"a":1,"b":2}]]');
  assert.deepEqual(asked, [
    'and(at.gte."s")',
    'and(or(at.gt."t",and(at.eq."t",or(a.gt."1",and(a.eq."1",b.gt."\\"")))))',
  ]);
  assert.throws(() => tableCatchUp(supabase, "t", { ...options, topic: "{a}:{b}" }), TypeError);
});

Deno.test("what was read is not read again after the next gap", async () => {
  const { catchUp, asked } = tableOf([row(1, 1_000_000), row(2, 2_000_000)]);
  const rig = new SessionRig("2.0.0", [catchUp]);
  rig.join(TOPIC);
  rig.joined(rig.live(), TOPIC, [BINDING]);
  rig.bring(rig.session.active!, change(TOPIC, [11], "INSERT", row(1, 1_000_000)));
  rig.time = 3_000_000;
  for (let n = 0; n < 2; n++) {
    interrupt(rig, TOPIC, [BINDING]);
    await rig.settle();
  }
  assert.equal(asked.at(-1)!.since, new Date(2_000_000 - 30_000).toISOString());
});

/** A table whose rows come when they are let. */
function slowTable(rows: Json[]) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { catchUp } = tableOf([], {
    async *read() {
      await promise;
      yield rows;
    },
  });
  const rig = new SessionRig("2.0.0", [catchUp]);
  rig.join(TOPIC);
  rig.joined(rig.live(), TOPIC, [BINDING]);
  rig.bring(rig.session.active!, change(TOPIC, [11], "INSERT", row(1, 1_000_000)));
  return { rig, resolve };
}

Deno.test("what is read while it is in doubt who is signed in is for nobody", async () => {
  const { rig, resolve } = slowTable([row(1, 1_000_000), row(2, 2_000_000)]);
  const link = interrupt(rig, TOPIC, [BINDING]);
  rig.doubt(link);
  resolve();
  await rig.settle();
  assert.equal(rig.events("postgres_changes").length, 1);
  rig.settle(link);
  await rig.settle();
  assert.equal(rig.events("postgres_changes").length, 2);
});

Deno.test("a row that waits when its socket is lost comes behind what is read, and no gap stands for it", async () => {
  const { rig, resolve } = slowTable([row(1, 1_000_000), row(2, 2_000_000)]);
  const link = interrupt(rig, TOPIC, [BINDING]);
  rig.bring(link, change(TOPIC, [11], "INSERT", row(3, 3_000_000)));
  interrupt(rig, TOPIC, [BINDING]);
  resolve();
  await rig.settle();
  const ids = rig.events("postgres_changes").map(({ payload }) =>
    (payload.data as { record: Json }).record.id
  );
  assert.deepEqual(ids, [1, 2, 3]);
  assert.equal(told(rig), undefined);
});

Deno.test("what was missed before somebody else signed in is told, and not read for them", async () => {
  const { catchUp } = tableOf([]);
  const rig = new SessionRig("2.0.0", [catchUp]);
  rig.join(TOPIC);
  rig.joined(rig.live(), TOPIC, [BINDING]);
  rig.lose(rig.session.active!);
  rig.tell({ is: "other user", before: token("alice") });
  rig.joined(rig.live(), TOPIC, [BINDING]);
  await rig.settle();
  assert.equal(told(rig), "events");
});

Deno.test("a page that stood still learns the time of a table by what comes then", async () => {
  const { catchUp } = tableOf([]);
  const rig = new SessionRig("2.0.0", [catchUp]);
  const link = rig.live();
  rig.join(TOPIC);
  rig.joined(link, TOPIC, [BINDING]);
  rig.time += 60_000;
  thaw(rig.session, rig.time - 60_000);
  rig.bring(link, change(TOPIC, [11], "INSERT", row(1, rig.time)));
  interrupt(rig, TOPIC, [BINDING]);
  await rig.settle();
  assert.equal(told(rig), undefined, "that the row has gone makes no other time");
});

Deno.test("what comes of a page that stood still is old until it is known to be fresh", async () => {
  for (const isFresh of [false, true]) {
    const rig = new SessionRig();
    const link = rig.live();
    rig.join(TOPIC);
    rig.joined(link, TOPIC);
    const before = rig.time;
    rig.time += 60_000;
    thaw(rig.session, before);
    rig.tell({ is: "due" });
    if (isFresh) rig.answerOwn(link);
    rig.bring(link, broadcast(TOPIC, 1));
    interrupt(rig, TOPIC, []);
    await rig.settle();
    const [{ payload }] = rig.events("system");
    assert.equal(payload.from, (isFresh ? rig.time : before) - 10_000);
  }
});

Deno.test("how far a row is, is known of so many", () => {
  const history = new History();
  for (let n = 0; n <= 20_000; n++) history.advance({ row: `${n}`, seq: 2 });
  assert.equal(history.advance({ row: "20000", seq: 1 }), false);
  assert.equal(history.advance({ row: "0", seq: 1 }), true);
});

Deno.test("a table is read to its end, however few rows the API gives at once", async () => {
  const rows = Array.from({ length: 5 }, (_, n) => ({
    ...{ id: n, relay_text_0: `${n}`, relay_text_1: `${n}` },
  }));
  let from = 0;
  const query: Json = {
    or: (condition: string) => {
      from = Number(/gt\."(\d)"/.exec(condition)?.[1] ?? -1) + 1;
      return query;
    },
    order: () => query,
    limit: () => query,
    // PostgREST's own bound, `db-max-rows`, counts beside the one that is asked for.
    abortSignal: () => ({ data: structuredClone(rows.slice(from, from + 2)) }),
  };
  const supabase = { schema: () => ({ from: () => ({ select: () => query }) }) };
  const read: unknown[] = [];
  const { signal } = new AbortController();
  for await (const page of tableCatchUp(supabase, "t", options).read({ since: "s", signal })) {
    read.push(...page.map(({ id }) => id));
  }
  assert.deepEqual(read, [0, 1, 2, 3, 4]);
});
