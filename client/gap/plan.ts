import type { CatchUp, Mirror } from "../catch_up.ts";
import { binaryBroadcast, decode, type Frame, type Json, nameOf } from "../frame.ts";
import { mirrorOf, tableOf } from "./identity.ts";
import type { Ledger } from "./ledger.ts";
import { timeOf } from "./time.ts";
import type { Kind, Missing, Part } from "./track.ts";

/** Where no server has told its time, this machine's clock is not ahead of it by more. */
const CLOCK_MS = 10_000;

/**
 * Where no server has told its time, this machine's clock may be wrong by so much. Rows that are not
 * older than that may have been missed, and may be from before: they are told, not delivered.
 */
const DOUBT_MS = 24 * 3_600_000;

/** Realtime keeps messages for 72 hours, and what is read again is from before the gap. */
const KEPT_MS = 71 * 3_600_000;

/** One table to be read, and what its rows are delivered as. */
export interface Source {
  catchUp: CatchUp;
  filter?: string;
  /** From here on, as ISO 8601. */
  since: string;
  /** Where it is in doubt: a row between this and `since` may be one that was missed. */
  doubt?: string;
  /** Where no server vouches for the time: a row of then is among them, or `since` is nobody's. */
  proof?: number;
  /** Of messages: whose, and the last that was had where that is known. */
  topic?: string;
  afterId?: string;
  /** What the rows of a page are delivered as, in this order. */
  framesOf(rows: Json[]): Brought[];
}

interface Brought {
  frame: Omit<Frame, "topic">;
  row: Json;
}

/** How a part of a topic is brought back, and what cannot be in any case. */
export interface Plan {
  sources: Source[];
  missing?: Missing;
  /** Realtime itself sends again what the topic missed. */
  isReplay?: boolean;
}

/** What a plan is made from. */
export interface Topic {
  topic: string;
  isPrivate: boolean;
  bindings: Json[];
  /** As joins of supabase-js say of every channel, whether or not somebody listens. */
  mayBroadcast: boolean;
  ledger: Ledger;
}

/** The catch-up of a topic's messages, whether or not they can be read. */
export const historyOf = (
  catchUps: CatchUp[],
  { isPrivate, topic }: Topic,
): CatchUp | undefined =>
  isPrivate && !mirrorOf(catchUps, topic) ? catchUps.find(({ history }) => history) : undefined;

/** The same, where they can be read again in place of Realtime's replay. */
export const readBy = (catchUps: CatchUp[], topic: Topic): CatchUp | undefined =>
  topic.ledger.history.start && historyOf(catchUps, topic);

export const isReplayed = (catchUps: CatchUp[], topic: Topic): boolean =>
  topic.isPrivate && !mirrorOf(catchUps, topic.topic) && !readBy(catchUps, topic);

/** `from`: since when it is missing, by this machine's clock, and for how long. */
export function planOf(
  part: Part,
  catchUps: CatchUp[],
  topic: Topic,
  from: number,
  age: number,
): Plan {
  if (part === "rows") return planRows(catchUps, topic);
  const catchUp = readBy(catchUps, topic);
  if (catchUp) return planMessages(catchUp, topic, from, age);
  return planCasts(catchUps, topic);
}

/**
 * Rows are read again for each binding, and delivered to it as the INSERT that they were, or as the
 * UPDATE that they came to.
 */
function planRows(catchUps: CatchUp[], topic: Topic): Plan {
  const plan: Plan = { sources: [] };
  for (const binding of topic.bindings) {
    const read = readOf(catchUps, binding);
    for (const kind of changesOf(binding.event)) {
      const catchUp = read[kind];
      if (catchUp) {
        const since = sinceOf(catchUp, topic.ledger);
        const table = read.INSERT!;
        const framesOf = kind === "INSERT"
          ? each((row) => change(kind, table, [binding.id], row))
          : changed(catchUp, table, sinceOf(table, topic.ledger).since, topic, binding);
        plan.sources.push({ catchUp, filter: binding.filter as string, ...since, framesOf });
      } else if (kind === "INSERT") plan.missing = "events";
      else plan.missing ??= "updates";
    }
  }
  return plan;
}

const CHANGES = ["INSERT", "UPDATE", "DELETE"] as const;

/** By what changes of a table are read again. */
function readOf(catchUps: CatchUp[], names: Json): Partial<Record<Kind, CatchUp>> {
  const table = tableOf(catchUps, names);
  return { INSERT: table, UPDATE: table?.updates };
}

/** Realtime and realtime-js read an event in letters of either case. */
const changesOf = (event: unknown) =>
  CHANGES.filter((kind) => event === "*" || String(event).toUpperCase() === kind);

/**
 * What may be missing, by kind. Of a part of which nobody knows what came all may be that it carries.
 */
export function kindsOf(part: Part, missing: Missing, catchUps: CatchUp[], topic: Topic): Kind[] {
  const isAll = missing === "events";
  if (part === "casts") {
    const { databaseOnly } = historyOf(catchUps, topic)?.history ?? {};
    return (["database", "clients"] as const).filter((_kind, n) => n ? !databaseOnly : isAll);
  }
  return CHANGES.filter((kind) =>
    topic.bindings.some((binding) =>
      changesOf(binding.event).includes(kind) && (isAll || !readOf(catchUps, binding)[kind])
    )
  );
}

function planCasts(catchUps: CatchUp[], topic: Topic): Plan {
  const { bindings, ledger, mayBroadcast } = topic;
  const [catchUp, mirror] = mirrorOf(catchUps, topic.topic) ?? [];
  if (bindings.length > 0 && !ledger.broadcasts) {
    return { sources: [], missing: mayBroadcast ? "unstored" : undefined };
  }
  if (isReplayed(catchUps, topic)) return { sources: [], isReplay: true };
  if (!catchUp) return { sources: [], missing: "events" };
  const { filter } = mirror!;
  const since = sinceOf(catchUp, ledger);
  return { sources: [{ catchUp, filter, ...since, framesOf: each(broadcast(mirror!)) }] };
}

function planMessages(catchUp: CatchUp, at: Topic, from: number, age: number): Plan {
  const { topic, mayBroadcast, ledger } = at;
  const isWhole = catchUp.history!.databaseOnly || !mayBroadcast;
  return {
    sources: [{
      ...{ catchUp, topic: nameOf(topic), framesOf: each(message(topic)) },
      ...ledger.history.from(from),
    }],
    missing: age > KEPT_MS ? "events" : isWhole ? undefined : "unstored",
  };
}

type Since = Pick<Source, "since" | "doubt" | "proof">;

function sinceOf(catchUp: CatchUp, ledger: Ledger): Since {
  const known = ledger.skew.of(catchUp);
  const last = ledger.lastOf(catchUp);
  // What came before the application was joined is not its business.
  const joined = (ledger.joinedAt ?? 0) + (known ?? -CLOCK_MS);
  if (known === undefined && last === undefined) {
    return { since: iso(joined), doubt: iso(joined - DOUBT_MS) };
  }
  const from = last === undefined ? joined : last - catchUp.overlapMs;
  const proof = known === undefined ? ledger.marks.get(catchUp)!.at : undefined;
  // This machine's clock is ahead of all that was heard.
  if (proof !== undefined && joined > proof) return { since: iso(from), proof };
  const since = Math.max(from, joined);
  // A transaction that had begun before the join may have ended behind it.
  const doubt = since > joined ? undefined : iso(joined - catchUp.overlapMs);
  return { since: iso(since), doubt, proof };
}

const iso = (ms: number) => new Date(ms).toISOString();

const each = (frameOf: (row: Json) => Brought["frame"]) => (rows: Json[]): Brought[] =>
  rows.map((row) => ({ frame: frameOf(row), row }));

function change(type: Kind, { schema, table, time }: CatchUp, ids: unknown[], record: Json) {
  const about = { schema, table, type, commit_timestamp: record[time] };
  const data = { ...about, errors: null, columns: [], record };
  return { event: "postgres_changes", payload: { ids, data } };
}

/**
 * Rows that have changed. What was inserted since the INSERTs were read is one yet, before its change
 * comes. A row whose two times are one was not changed since.
 */
function changed(updates: CatchUp, table: CatchUp, since: string, { bindings }: Topic, by: Json) {
  const ids = bindings.filter((each) =>
    changesOf(each.event).includes("INSERT") && tableOf([table], each) && each.filter === by.filter
  ).map(({ id }) => id);
  const madeAt = (row: Json) => timeOf(row[table.time])!;
  // The text tells microseconds too.
  const textOf = (row: Json) => String(row[table.time]);
  const inserted = each((row) => change("INSERT", table, ids, row));
  const others = each((row) => change("UPDATE", updates, [by.id], row));
  return (rows: Json[]) => [
    ...inserted(
      rows.filter((row) => ids.length > 0 && madeAt(row) >= Date.parse(since))
        .sort((a, b) => madeAt(a) - madeAt(b) || textOf(a).localeCompare(textOf(b))),
    ),
    ...others(rows.filter((row) => row[updates.time] !== row[table.time])),
  ];
}

const broadcast = ({ event, payload }: Mirror) => (row: Json) => ({
  event: "broadcast",
  payload: { type: "broadcast", event, payload: payload(row) },
});

/** As the message came live. */
const message = (topic: string) => ({ id, event, payload, binary_payload }: Json) => {
  const meta = { id };
  return payload === null
    ? decode("2.0.0", binaryBroadcast(topic, event, meta, binary_payload))
    : { event: "broadcast", payload: { type: "broadcast", event, payload, meta } };
};
