/** Where the local Realtime does on purpose what the original does not, line by line. */
import type { Frame } from "./steps.ts";

export interface Deviation {
  /** The recording's number. */
  conversation: string;
  reason: string;
  /** What comes in place of what is recorded at a line: a frame, or the body of an answer. */
  instead?: Record<number, (recorded: string) => string[]>;
  /** What comes beside it, after what is done at a line; by socket. */
  also?: Record<number, Record<string, Frame[]>>;
}

const NOT_LOST = "an error in one subscriber's filter or policy loses nothing for anybody else, " +
  "and that subscriber is told; the original loses all that it read at that time, for everybody, " +
  "and tells nobody";
const ROOT_DELIVERS = "a partitioned table that is published by its root delivers; the original " +
  "accepts the subscription and sends nothing";

export const DEVIATIONS: Deviation[] = [
  {
    conversation: "07",
    reason: "each socket gets its own version; the original encodes a change once for all, so " +
      "that a socket of version 1 gets version 2 where one of version 2 joined the topic first",
    instead: Object.fromEntries(
      [18, 21, 64, 65, 70, 71, 76, 90].map((line) => [line, (frame) => [inVersion1(frame)]]),
    ),
  },
  {
    conversation: "07",
    reason: "version 1 cannot say bytes; the original sends its sockets a text that is no JSON",
    instead: { 52: () => [] },
  },
  {
    conversation: "08",
    reason: "the region is this machine; the only socket is that of this test's witness",
    instead: {
      154: (body) => [body.replace('"us-east-1"', '"local"').replace('cluster":2', 'cluster":1')],
    },
  },
  {
    conversation: "10",
    reason: "a payload may have 3,000,000 bytes, as JSON or as they are; the original measures " +
      "the term that Erlang makes of it, where a number counts otherwise than its digits",
  },
  {
    conversation: "11",
    reason: NOT_LOST,
    also: {
      283: {
        W: [
          change("typ11b", {
            head: '"table":"p11v","type":"INSERT","record":{"c": null, "d": "2026-05-05", ' +
              '"id": 3, "ip": "10.0.0.1", "jb": null, "nm": null, "vc": "b", "arr": [1, 2]}',
            columns: "id int8, vc varchar, nm name, c bpchar, jb jsonb, ip inet, d date, arr _int4",
            ids: [56685925, 1030994, 9257572],
            line: 283,
          }),
          failure("typ11b", "p11v", malformed("[1, 2]")),
        ],
      },
      301: { W: [failure("typ11c", "p11v", malformed("[1]"))] },
    },
  },
  {
    conversation: "11b",
    reason: "PostgreSQL 17 finds other words than 15",
    instead: {
      321: (frame) => [
        frame.replace(
          "Unexpected array element.",
          "Multidimensional arrays must have sub-arrays with matching dimensions.",
        ),
      ],
    },
  },
  {
    conversation: "17",
    reason: ROOT_DELIVERS,
    also: {
      244: partition(244, '"INSERT","record":{"t": "x", "id": 1, "region": "eu"}'),
      245: partition(245, '"INSERT","record":{"t": "x", "id": 2, "region": "us"}'),
      246: partition(246, '"UPDATE","record":{"t": "y", "id": 1, "region": "eu"}', "eu"),
      // Into another partition.
      247: both(
        partition(247, '"DELETE"', "eu"),
        partition(247, '"INSERT","record":{"t": "y", "id": 1, "region": "us"}'),
      ),
      248: partition(248, '"DELETE"', "us"),
    },
  },
  {
    conversation: "17",
    reason: NOT_LOST,
    also: {
      268: { E: [failure("err17", "p17e", "22012 (division_by_zero) division by zero")] },
      269: { O: [rightAfter(269, 2)] },
      286: {
        J: [
          failure(
            "json17",
            "p13",
            "42883 (undefined_function) operator does not exist: json = json",
          ),
        ],
      },
      287: { O: [rightAfter(287, 4)] },
    },
  },
  {
    conversation: "19",
    reason: "in a list a `private` of spaces alone is refused, as the relay refuses it; the " +
      "original takes it for none",
  },
  {
    conversation: "22",
    reason:
      "an upgrade by HTTP/1.0 is refused by the gateway, as the original's server does; the " +
      "server here cannot tell by which HTTP it was asked, and nobody but the gateway calls it",
  },
];

/** What is expected at a line of a conversation: what was recorded, or what deviates from it. */
export function deviate(deviations: Deviation[], line: number, recorded: string): string[] {
  const deviation = deviations.find(({ instead }) => instead?.[line]);
  return deviation ? deviation.instead![line](recorded) : [recorded];
}

/** The payload keeps its text, as Postgres printed it. */
function inVersion1(frame: Frame): Frame {
  const [, ref, event, payload] = /^\[null,(\S+?),"realtime:v2",("\w+"),(.*)\]$/.exec(frame) ?? [];
  return `{"ref":${ref},"event":${event},"topic":"realtime:v2","payload":${payload}}`;
}

interface Change {
  /** Table, type and record. */
  head: string;
  /** Names and types, as in SQL. */
  columns: string;
  old?: string;
  ids: number[];
  /** The line of its transaction, which makes a commit_timestamp that only this one has. */
  line: number;
}

function change(topic: string, { head, columns, old, ids, line }: Change): Frame {
  const described = columns.split(", ").map((column) => column.split(" ")).map(([name, type]) =>
    `{"name": "${name}", "type": "${type}"}`
  );
  const data = [
    head,
    `"columns":[${described.join(", ")}],"errors":null,"schema":"public"`,
    `"commit_timestamp":"2026-11-21T00:00:00.${line}Z"`,
    ...(old ? [`"old_record":${old}`] : []),
  ];
  const payload = `{"data":{${data.join(",")}},"ids":[${ids.join(",")}]}`;
  return `{"ref":null,"event":"postgres_changes","topic":"realtime:${topic}","payload":${payload}}`;
}

/** A change of public.p17p, for the socket that listens to it and the one that listens to all. */
function partition(line: number, typeAndRecord: string, old?: string): Record<string, Frame[]> {
  const one = (topic: string, id: number) =>
    change(topic, {
      head: `"table":"p17p","type":${typeAndRecord}`,
      columns: "id int8, region text, t text",
      old: old && `{"id": 1, "region": "${old}"}`,
      ids: [id],
      line,
    });
  return { ROOT: [one("part17", 51508271)], ALL: [one("part17a", 74307548)] };
}

function both(first: Record<string, Frame[]>, then: Record<string, Frame[]>) {
  return Object.fromEntries(
    Object.entries(first).map(([socket, frames]) => [socket, [...frames, ...then[socket]]]),
  );
}

function rightAfter(line: number, id: number): Frame {
  const head = `"table":"p17o","type":"INSERT","record":{"t": "right after", "id": ${id}}`;
  return change("other17", { head, columns: "id int8, t text", ids: [108875531], line });
}

/** What a subscriber is told whose filter or policy fails on a change. */
function failure(channel: string, table: string, error: string): Frame {
  const message = `Unable to check a change of public.${table} for this subscription, so it was ` +
    `not sent. ERROR ${error}`;
  const payload = { message, status: "error", extension: "postgres_changes", channel };
  return JSON.stringify({ ref: null, event: "system", topic: `realtime:${channel}`, payload });
}

function malformed(array: string): string {
  return `22P02 (invalid_text_representation) malformed array literal: "${array}"`;
}
