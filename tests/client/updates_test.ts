/** Rows that have changed since, read by the time of their last change. */
import assert from "node:assert/strict";
import { type CatchUp, type CatchUpRequest, tableCatchUp } from "../../client/catch_up.ts";
import type { Json } from "../../client/frame.ts";
import type { Link } from "../../client/session/link.ts";
import { change, SessionRig } from "./support/session_rig.ts";

const TOPIC = "realtime:room";
const AT = 1_000_000;
const iso = (ms: number | null) => ms === null ? null : new Date(ms).toISOString();

interface Row extends Json {
  id: number;
  state: string;
}

/** Made so many ms behind the join, and changed so many behind it. */
const row = (id: number, state: string, made: number, changed: number | null = made): Row => ({
  ...{ id, state, clicked_at: iso(AT + made) },
  updated_at: iso(changed === null ? null : AT + changed),
});

/** A channel that follows a table; it was joined an hour before its first loss. */
class Followed {
  readonly rows: Row[] = [];
  /** What the next reads throw. */
  readonly failures: string[] = [];
  /** Happens behind the first read. */
  between = () => {};
  readonly rig: SessionRig;
  readonly bindings: Json[];
  link: Link;

  constructor(...events: string[]) {
    const options = { key: "id", time: "clicked_at", updated: "updated_at" };
    const nobody = { schema: () => assert.fail("nothing is read here") };
    const catchUp = tableCatchUp(nobody, "url_clicks", options);
    const whole = { ...this.#reading(catchUp), updates: this.#reading(catchUp.updates!) };
    this.rig = new SessionRig("2.0.0", [whole]);
    this.bindings = events.map((event, i) => ({ id: 11 + i, event, ...NAMES }));
    this.rig.time = AT;
    this.link = this.rig.live();
    this.rig.join(TOPIC);
    this.rig.joined(this.link, TOPIC, this.bindings);
  }

  #reading(catchUp: CatchUp): CatchUp {
    const { rows, failures } = this;
    const between = () => this.between();
    const at = (row: Json) => Date.parse(String(row[catchUp.time])) || 0;
    return {
      ...catchUp,
      async *read({ since }: CatchUpRequest) {
        if (catchUp.time === "updated_at" && failures.length > 0) throw new Error(failures.pop());
        const wanted = rows.filter((row) => at(row) >= Date.parse(since));
        yield await Promise.resolve(wanted.toSorted((a, b) => at(a) - at(b)));
        if (catchUp.time === "clicked_at") between();
      },
    };
  }

  /** Comes live, committed at a time behind the join. */
  live(type: string, record: Row, committed: number): void {
    const ids = this.bindings.filter(({ event }) => event === "*" || event === type)
      .map(({ id }) => id as number);
    this.rig.bring(this.link, change(TOPIC, ids, type, record, iso(AT + committed)!));
  }

  lose(): void {
    this.rig.time = AT + 3_600_000;
    this.link.freshAt = this.rig.time;
    this.rig.lose(this.link);
  }

  back(): void {
    this.rig.time += 600_000;
    this.link = this.rig.live();
    this.rig.joined(this.link, TOPIC, this.bindings);
  }

  /** What reached the application: the type, the row's id and state, and for whom. */
  get came(): string[] {
    return this.rig.events("postgres_changes").map(({ payload }) => {
      const { data, ids } = payload as { data: Record<string, Row>; ids: number[] };
      const { id, state } = data.record ?? data.old_record;
      return `${data.type} ${id} ${state} ${ids}`;
    });
  }

  get told(): unknown[][] {
    return this.rig.events("system").map(({ payload }) => payload)
      .filter(({ status }) => status === "gap").map(({ missing, kinds }) => [missing, kinds]);
  }
}

const NAMES = { schema: "public", table: "url_clicks" };
const HOUR = 3_600_000;

Deno.test("rows that were changed in the gap come as UPDATEs, without old_record, behind the INSERTs", async () => {
  const followed = new Followed("INSERT", "UPDATE");
  followed.live("INSERT", row(1, "a", 60_000), 60_001);
  followed.lose();
  followed.rows.push(
    row(1, "b", 60_000, HOUR + 2),
    row(2, "c", HOUR + 1),
    row(3, "d", -60_000, HOUR + 3),
  );
  followed.back();
  await followed.rig.settle();
  assert.deepEqual(followed.came, [
    "INSERT 1 a 11",
    "INSERT 2 c 11",
    "UPDATE 1 b 12",
    "UPDATE 3 d 12",
  ]);
  const [, , { payload }] = followed.rig.events("postgres_changes");
  assert.deepEqual(payload.data, {
    ...{ schema: "public", table: "url_clicks", type: "UPDATE", errors: null, columns: [] },
    ...{ commit_timestamp: iso(AT + HOUR + 2), record: row(1, "b", 60_000, HOUR + 2) },
  });
  assert.deepEqual(followed.told, [], "nothing is missing");
});

const kinds: [string[], string[]][] = [
  [["*"], ["DELETE"]],
  [["DELETE"], ["DELETE"]],
  [["UPDATE"], []],
];
for (const [events, missing] of kinds) {
  Deno.test(`of ${events} ${missing.join() || "nothing"} is told as missing`, async () => {
    const followed = new Followed(...events);
    followed.lose();
    followed.back();
    await followed.rig.settle();
    assert.deepEqual(followed.told, missing.length > 0 ? [["updates", missing]] : []);
  });
}

Deno.test("a row that was inserted and changed in the gap is one INSERT, and one UPDATE to who hears no INSERTs", async () => {
  for (const [event, expected] of [["*", "INSERT 1 b 11"], ["UPDATE", "UPDATE 1 b 11"]]) {
    const followed = new Followed(event);
    followed.lose();
    followed.rows.push(row(1, "b", HOUR + 1, HOUR + 2));
    followed.back();
    await followed.rig.settle();
    assert.deepEqual(followed.came, [expected]);
  }
});

Deno.test("a row that was inserted and not changed is no UPDATE", async () => {
  for (const changed of [undefined, null]) {
    const followed = new Followed("UPDATE");
    followed.lose();
    followed.rows.push(row(1, "a", HOUR + 1, changed));
    followed.back();
    await followed.rig.settle();
    assert.deepEqual(followed.came, []);
  }
});

Deno.test("what came live is not read again, in whatever gap", async () => {
  const followed = new Followed("*");
  const last = HOUR - 1_000;
  followed.live("INSERT", row(1, "a", last), last);
  followed.live("UPDATE", row(1, "b", last, last + 10), last + 10);
  followed.live("INSERT", row(2, "c", last + 20), last + 20);
  followed.rows.push(row(1, "b", last, last + 10), row(2, "c", last + 20));
  const live = ["INSERT 1 a 11", "UPDATE 1 b 11", "INSERT 2 c 11"];
  for (let i = 0; i < 2; i++) {
    followed.lose();
    followed.back();
    await followed.rig.settle();
    assert.deepEqual(followed.came, live);
  }
});

Deno.test("live UPDATEs that waited: what was read has them, or they come behind it", async () => {
  const followed = new Followed("*");
  followed.live("INSERT", row(1, "a", HOUR - 1_000), HOUR - 1_000);
  followed.lose();
  followed.rows.push(row(1, "d", HOUR - 1_000, HOUR + 30));
  followed.back();
  for (const [state, changed] of [["b", 10], ["d", 30], ["e", 40]] as const) {
    followed.live("UPDATE", row(1, state, HOUR - 1_000, HOUR + changed), HOUR + changed);
  }
  await followed.rig.settle();
  assert.deepEqual(followed.came, ["INSERT 1 a 11", "UPDATE 1 d 11", "UPDATE 1 e 11"]);
  assert.deepEqual(followed.told, [["updates", ["DELETE"]]]);
});

Deno.test("two changes of one transaction have one time, and come live both, once", () => {
  const followed = new Followed("*");
  followed.live("INSERT", row(1, "a", 5), 5);
  for (const state of ["b", "c", "b", "c"]) {
    followed.live("UPDATE", row(1, state, 5, 5), 5);
  }
  assert.deepEqual(followed.came, ["INSERT 1 a 11", "UPDATE 1 b 11", "UPDATE 1 c 11"]);
});

Deno.test("and come live no more where they were read", async () => {
  const followed = new Followed("*");
  followed.live("INSERT", row(1, "a", HOUR - 1_000), HOUR - 1_000);
  followed.lose();
  followed.rows.push(row(1, "c", HOUR - 1_000, HOUR + 10));
  followed.back();
  for (const state of ["b", "c"]) {
    followed.live("UPDATE", row(1, state, HOUR - 1_000, HOUR + 10), HOUR + 12);
  }
  await followed.rig.settle();
  assert.deepEqual(followed.came, ["INSERT 1 a 11", "UPDATE 1 c 11"]);
});

Deno.test("a row that is inserted and changed while it is read is an INSERT, and no older one comes behind it", async () => {
  const followed = new Followed("*");
  followed.live("INSERT", row(1, "a", 5), 5);
  followed.lose();
  followed.between = () =>
    followed.rows.push(row(2, "c", HOUR + 1, HOUR + 4), row(3, "d", HOUR + 2, HOUR + 3));
  followed.back();
  followed.live("INSERT", row(2, "b", HOUR + 1), HOUR + 1);
  followed.live("UPDATE", row(2, "c", HOUR + 1, HOUR + 4), HOUR + 4);
  await followed.rig.settle();
  assert.deepEqual(followed.came, ["INSERT 1 a 11", "INSERT 2 c 11", "INSERT 3 d 11"]);
});

Deno.test("a row that came as an UPDATE comes as no INSERT in the same state, and then as UPDATE", async () => {
  const followed = new Followed("*");
  followed.live("INSERT", row(1, "a", 5), 5);
  followed.rig.time = AT + HOUR - 1;
  followed.live("UPDATE", row(2, "c", 6, HOUR - 1), HOUR - 1);
  followed.rows.push(row(2, "c", 6, HOUR - 1));
  const live = ["INSERT 1 a 11", "UPDATE 2 c 11"];
  for (const came of [live, [...live, "UPDATE 2 d 11"]]) {
    followed.lose();
    followed.back();
    await followed.rig.settle();
    assert.deepEqual(followed.came, came);
    followed.rows[0] = row(2, "d", 6, HOUR + 1);
  }
});

Deno.test("a row that was deleted and is put back as it was comes again", async () => {
  const followed = new Followed("*");
  followed.live("INSERT", row(1, "a", 5), 5);
  followed.lose();
  followed.rows.push(row(2, "c", HOUR + 1, HOUR + 2));
  followed.back();
  await followed.rig.settle();
  followed.live("DELETE", row(2, "c", HOUR + 1, HOUR + 2), HOUR + 600_000);
  followed.live("INSERT", row(2, "c", HOUR + 1, HOUR + 2), HOUR + 600_001);
  assert.deepEqual(followed.came.slice(1), ["INSERT 2 c 11", "DELETE 2 c 11", "INSERT 2 c 11"]);
});

Deno.test("changes that could not be read are read again from the last one on, whatever was inserted", async () => {
  const followed = new Followed("*");
  followed.live("INSERT", row(1, "a", 5), 6);
  followed.lose();
  followed.rows.push(row(2, "x", HOUR + 590_000), row(1, "b", 5, HOUR + 1));
  followed.failures.push("503");
  followed.back();
  await followed.rig.settle();
  assert.equal(followed.failures.length, 0);
  followed.rig.time += 2_000;
  followed.rig.tell({ is: "due" });
  await followed.rig.settle();
  assert.deepEqual(followed.came, ["INSERT 1 a 11", "INSERT 2 x 11", "UPDATE 1 b 11"]);
});

const waited = row(1, "b", 5, HOUR + 1);
const { clicked_at: _made, ...selected } = waited;
const over: [string, Json, Row, string[]][] = [
  ["is told where another row", waited, row(1, "c", HOUR + 5), ["updates", "events"]],
  ["is in what was read where its row", waited, row(1, "c", 5, HOUR + 5), ["updates"]],
  ["without its row's time is in that where one", selected, row(1, "c", HOUR + 5), ["updates"]],
];
for (const [what, live, read, told] of over) {
  Deno.test(`an UPDATE that waited ${what} was read under its key`, async () => {
    const followed = new Followed("*");
    followed.live("INSERT", row(1, "a", 5), 5);
    followed.lose();
    followed.rows.push(read);
    followed.back();
    followed.live("UPDATE", live as Row, HOUR + 1);
    await followed.rig.settle();
    followed.rig.time += 1;
    followed.rig.tell({ is: "due" });
    await followed.rig.settle();
    assert.doesNotMatch(followed.came.join(), / b /);
    assert.deepEqual(followed.told.map(([missing]) => missing), told);
  });
}
