/** From what the database says of a batch to the frames that the channels get. */
import { failure } from "./bindings.ts";
import type { Channel } from "./channel.ts";
import type { Change } from "./pgoutput.ts";
import { jsonFrame, type Outgoing } from "./serializer.ts";
import type { Listener, Subscriptions } from "./subscriptions.ts";
import type { Failure, Sight } from "./visibility.ts";

/** Sends a change to each channel that sees it, once, with the ids of the bindings that match. */
export function sendSight(sight: Sight, timestamp: string, subscriptions: Subscriptions) {
  const frames = new Map<string, Outgoing>();
  const data = dataOf(sight, timestamp);
  for (const [channel, ids] of idsByChannel(sight, subscriptions)) {
    const key = `${ids}:${channel.topic}`;
    const payload = `{"data":${data},"ids":[${ids}]}`;
    const frame = frames.get(key) ??
      jsonFrame({ topic: channel.topic, event: "postgres_changes", payload });
    frames.set(key, frame);
    channel.socket.send(frame);
  }
}

/** Tells those whom an error kept from a change; nobody else is concerned. */
export function sendFailures(failures: Failure[], subscriptions: Subscriptions) {
  const told = new Set<string>();
  for (const { change, groups, code, message } of failures) {
    const text = `Unable to check a change of ${nameOf(change)} for this subscription, ` +
      `so it was not sent. ${failure({ code, message })}`;
    for (const { channel } of listeners(groups, subscriptions)) {
      const key = `${channel.socket.id} ${channel.topic} ${text}`;
      if (!told.has(key)) channel.system("postgres_changes", "error", text);
      told.add(key);
    }
  }
}

/** The newest binding first, as the original lists them. */
function idsByChannel(sight: Sight, subscriptions: Subscriptions): Map<Channel, string> {
  const channels = new Map<Channel, Listener[]>();
  for (const listener of listeners(sight.groups, subscriptions)) {
    const own = channels.get(listener.channel);
    if (own) own.push(listener);
    else channels.set(listener.channel, [listener]);
  }
  const print = (own: Listener[]) =>
    own.sort((a, b) => b.place - a.place).map(({ id }) => id).join(",");
  return new Map([...channels].map(([channel, own]) => [channel, print(own)]));
}

function* listeners(groups: number[], subscriptions: Subscriptions) {
  for (const group of groups) {
    for (const listener of subscriptions.listeners(group)) {
      if (listener.channel.isOpen) yield listener;
    }
  }
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
