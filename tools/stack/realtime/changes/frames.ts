/** From what the database says of a batch to the frames that the channels get. */
import { failure } from "../database/sqlstate.ts";
import type { Change } from "../log/pgoutput.ts";
import { jsonFrame, type Outgoing } from "../wire/frame.ts";
import type { Audiences, Listener, Subscriber } from "./audiences.ts";
import type { Failure, Sight } from "./verdict.ts";

/** Sends a change to each channel that sees it, once, with the ids of the bindings that match. */
export function sendSight(sight: Sight, timestamp: string, audiences: Audiences) {
  const frames = new Map<string, Outgoing>();
  const data = dataOf(sight, timestamp);
  for (const [subscriber, ids] of idsBySubscriber(audiences.listeners(sight.groups))) {
    const { topic } = subscriber;
    const key = `${ids}:${topic}`;
    const payload = `{"data":${data},"ids":[${ids}]}`;
    const frame = frames.get(key) ?? jsonFrame({ topic, event: "postgres_changes", payload });
    frames.set(key, frame);
    subscriber.send(frame);
  }
}

/** Tells those whom an error kept from a change, once; nobody else is concerned. */
export function sendFailures(failures: Failure[], audiences: Audiences) {
  const told = new Map<string, Set<Subscriber>>();
  for (const { change, groups, code, message } of failures) {
    const text = `Unable to check a change of ${nameOf(change)} for this subscription, ` +
      `so it was not sent. ${failure({ code, message })}`;
    const before = told.get(text) ?? new Set();
    told.set(text, before);
    for (const { subscriber } of audiences.listeners(groups)) {
      if (!before.has(subscriber)) subscriber.system("postgres_changes", "error", text);
      before.add(subscriber);
    }
  }
}

/** The newest binding first, as the original lists them. */
function idsBySubscriber(listeners: Iterable<Listener>): [Subscriber, string][] {
  const print = (own: Listener[]) =>
    own.sort((a, b) => b.place - a.place).map(({ id }) => id).join(",");
  const bySubscriber = Map.groupBy(listeners, ({ subscriber }) => subscriber);
  return [...bySubscriber].map(([subscriber, own]) => [subscriber, print(own)]);
}

/** Records and columns are put in as Postgres printed them, digit by digit. */
function dataOf(sight: Sight, timestamp: string): string {
  const { change: { action, relation }, record, oldRecord, columns, errors, refused } = sight;
  const parts = [`"table":${JSON.stringify(relation.name)}`, `"type":"${action}"`];
  if (record !== null) parts.push(`"record":${record}`);
  parts.push(`"columns":${columns}`, `"errors":${spaceless(errors)}`);
  parts.push(`"schema":${JSON.stringify(relation.schema)}`);
  parts.push(`"commit_timestamp":${refused ? "null" : JSON.stringify(timestamp)}`);
  if (oldRecord !== null) parts.push(`"old_record":${oldRecord}`);
  return `{${parts.join(",")}}`;
}

const spaceless = (errors: string | null) => JSON.stringify(JSON.parse(errors ?? "null"));

const nameOf = ({ relation }: Change) => `${relation.schema}.${relation.name}`;
