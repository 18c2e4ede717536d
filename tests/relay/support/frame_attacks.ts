/** What a client may try on an open socket, and what must come of it. */
import type { Code } from "../../../supabase/functions/relay/errors.ts";
import type { Vsn } from "../../../supabase/functions/relay/realtime/upstream.ts";
import { binary, text } from "../../support/attack.ts";
import { BOB, inSeconds, PUBLISHABLE_KEY, SECRET_KEY, sign } from "../../support/tokens.ts";

/** What the relay of these attacks allows: rooms, one table, and for guests private rooms to read. */
export const POLICY = JSON.stringify({
  authenticated: { topics: ["room:*"], tables: ["public.url_clicks"] },
  guest: { topics: ["room:*"], privateOnly: true, readOnly: true },
  anon: { topics: ["room:*"] },
  "*": { topics: ["lobby"] },
});

export interface FrameAttack {
  /** Role of the socket's user; `anon` is an anonymous viewer. Default: authenticated. */
  role?: string;
  /** JSON text where it is not binary. A joined `room:a` comes before. */
  send: (string | Uint8Array<ArrayBuffer>)[];
  /** Codes of the answers, in their order. Default: none, the frames are passed over in silence. */
  refused?: Code[];
  closes?: Code;
  /** Payloads that may reach Realtime, as parsed; for what the relay puts right. Default: none. */
  arrives?: unknown[];
}

const ROOM = '"realtime:room:a"';
const SECRET = '"realtime:secret"';
const NO_CONFIG = "{}";
const CONFIG = '{"config":{}}';
const tables = (...bindings: string[]) => `{"config":{"postgres_changes":[${bindings}]}}`;
const token = (name: string, value: string) => `{"config":{},"${name}":"${value}"}`;

export const good = await sign();
const bob = await sign({ sub: BOB });
const serviceRole = await sign({ role: "service_role" });
export const guest = await sign({ role: "guest" });
const newerGuest = await sign({ role: "guest", exp: inSeconds(7200) });
const nested = "[".repeat(40) + "]".repeat(40);

/** The attacks that both wire formats know. */
export function frameAttacks(vsn: Vsn): Record<string, FrameAttack> {
  const join = (payload: string, topic = ROOM) => text(vsn, topic, '"phx_join"', payload);
  const push = (payload: string, topic = ROOM) => text(vsn, topic, '"access_token"', payload);
  const say = (topic: string, event = '"broadcast"') => text(vsn, topic, event, '{"event":"e"}');
  const other: Vsn = vsn === "1.0.0" ? "2.0.0" : "1.0.0";
  const forbidden = (...bindings: string[]): FrameAttack => ({
    send: bindings.map((binding) => join(tables(binding))),
    refused: bindings.map(() => "table_forbidden"),
  });
  return {
    "a topic that is not allowed": {
      send: [join(CONFIG, SECRET), say(SECRET), say(SECRET, '"presence"')],
      refused: ["topic_forbidden", "topic_forbidden", "topic_forbidden"],
    },
    "a topic with its prefix twice, or in capitals": {
      send: [join(CONFIG, '"realtime:realtime:room:a"'), join(CONFIG, '"Realtime:room:a"')],
      refused: ["topic_forbidden", "topic_forbidden"],
    },
    "an escaped topic": {
      send: [join(CONFIG, '"realtime:\\u0073ecret"'), say('"realtime:\\u0073ecret"')],
      refused: ["topic_forbidden", "topic_forbidden"],
    },
    "an escaped event name": {
      send: [
        text(vsn, SECRET, '"ph\\u0078_join"', CONFIG),
        text(vsn, SECRET, '"\\u0062roadcast"', "{}"),
        text(vsn, ROOM, '"phx_\\u0063lose"', "{}"),
      ],
      refused: ["topic_forbidden", "topic_forbidden"],
    },
    "names of prototypes as topic, event and keys": {
      role: "constructor",
      send: [
        join(CONFIG, '"realtime:__proto__"'),
        join(CONFIG, '"constructor"'),
        text(vsn, ROOM, '"__proto__"', "{}"),
        text(vsn, ROOM, '"constructor"', "{}"),
        join('{"config":{},"__proto__":{"access_token":"x"},"constructor":1}', '"realtime:lobby"'),
      ],
      refused: ["topic_forbidden", "topic_forbidden"],
      arrives: [{ config: {} }],
    },
    "names of prototypes in a join's config": {
      send: [
        join('{"__proto__":{"config":{}}}'),
        join('{"config":{"__proto__":{"postgres_changes":[]},"postgres_changes":{"length":0}}}'),
        join(tables('{"__proto__":{"schema":"public","table":"url_clicks"}}')),
      ],
      refused: ["table_forbidden", "table_forbidden", "table_forbidden"],
    },
    "a frame of the other vsn": {
      send: [
        text(other, ROOM, '"phx_join"', CONFIG),
        text(other, SECRET, '"phx_join"', CONFIG),
        text(other, ROOM, '"broadcast"', "{}"),
      ],
    },
    "subject swap by access_token": {
      send: [push(token("access_token", bob)), join(CONFIG)],
      closes: "token_subject",
    },
    "subject swap by a join": {
      send: [join(token("access_token", bob)), join(token("user_token", bob))],
      refused: ["token_subject"],
      arrives: [{ config: {} }],
    },
    "duplicate access_token": {
      send: [
        join(`{"config":{},"access_token":"${bob}","access_token":"${good}"}`),
        join(`{"config":{},"access_token":"${good}","access_token":"${bob}"}`),
        push(`{"access_token":"${bob}","access_token":"${good}","user_token":"${bob}"}`),
      ],
      refused: ["token_subject"],
      arrives: [{ config: {} }, {}],
    },
    "duplicate private": {
      role: "guest",
      send: [
        join('{"config":{"private":true,"private":false}}'),
        join('{"config":{"private":"true"}}'),
        join('{"config":{"private":false,"private":true}}'),
      ],
      refused: ["private_only", "private_only"],
      arrives: [{ config: { private: true } }],
    },
    "a push of a role that may only read": {
      role: "guest",
      send: [say(ROOM), say(ROOM, '"presence"'), say(ROOM, '"\\u0062roadcast"')],
      refused: ["read_only", "read_only", "read_only"],
    },
    "a sign-in that may not have what is joined": {
      role: "anon",
      send: [push(token("access_token", guest)), say(ROOM)],
      refused: ["private_only", "read_only"],
      // The leave, and no token.
      arrives: [{}],
    },
    "a sign-in by a join, of who may not have what is joined": {
      role: "anon",
      send: [
        join(token("access_token", guest), '"realtime:room:b"'),
        join(`{"config":{"private":true}}`, '"realtime:room:c"'),
      ],
      refused: ["private_only", "private_only"],
      arrives: [{}, { config: { private: true } }],
    },
    "a newer token of a role that may not have what is joined": {
      send: [push(token("access_token", newerGuest))],
      refused: ["private_only"],
      arrives: [{}],
    },
    "a leave that Realtime passes over, before such a sign-in": {
      role: "anon",
      send: [
        text(vsn, ROOM, '"phx_leave"', "{}").replace('"1"', '"9"'),
        text(vsn, ROOM, '"phx_leave"', "{"),
        push(token("access_token", guest)),
      ],
      refused: ["private_only"],
      arrives: [{}],
    },
    "a join, a leave or a token that is big or deep": {
      send: [
        join(`{"config":{"x":"${"x".repeat(70_000)}"}}`),
        text(vsn, ROOM, '"phx_leave"', `{"x":"${"x".repeat(70_000)}"}`),
        join(`{"config":{"postgres_changes":${nested}}}`),
        push(`{"access_token":${nested}}`),
      ],
      refused: ["too_big", "too_big", "too_deep", "too_deep"],
      // The token ended its channel.
      arrives: [{}],
    },
    "a join without config": {
      send: [join(NO_CONFIG), join('{"config":null}'), join('{"config":[]}'), join('"config"')],
      refused: Array(4).fill("table_forbidden"),
    },
    "a wildcard of schema or table": forbidden(
      '{"event":"*","schema":"*"}',
      '{"event":"*","schema":"*","table":"url_clicks"}',
      '{"event":"*","schema":"public"}',
      '{"event":"*","schema":"public","table":"*"}',
      '{"event":"*","schema":"%","table":"%"}',
      '{"event":"*","schema":"public","table":"url%"}',
      '{"event":"*","table":"url_clicks"}',
      '{"schema":["public"],"table":"url_clicks"}',
      '{"schema":"public","table":null}',
      '{"schema":"public","table":"url_clicks","schema":"*"}',
      '{"schema":"public.url_clicks","table":""}',
      '{"schema":"","table":"public.url_clicks"}',
      "null",
      '"*"',
    ),
    "a second join to escape the table allow-list": {
      send: [
        join(tables('{"event":"*","schema":"public","table":"url_clicks"}')),
        join(tables('{"event":"*","schema":"public","table":"users"}')),
        join(NO_CONFIG),
        join(tables(
          '{"event":"*","schema":"public","table":"url_clicks"}',
          '{"event":"*","schema":"public","table":"users"}',
        )),
      ],
      refused: ["table_forbidden", "table_forbidden", "table_forbidden"],
      arrives: [{
        config: { postgres_changes: [{ event: "*", schema: "public", table: "url_clicks" }] },
      }],
    },
    "a secret key in access_token": {
      send: [push(token("access_token", SECRET_KEY)), say(ROOM)],
      closes: "secret_key",
    },
    "a secret key in a join": {
      send: [join(token("access_token", SECRET_KEY)), say(ROOM)],
      closes: "secret_key",
    },
    "a secret key in user_token": {
      send: [join(token("user_token", SECRET_KEY)), say(ROOM)],
      closes: "secret_key",
    },
    "a service_role token in a frame": {
      send: [push(token("access_token", serviceRole)), say(ROOM)],
      closes: "secret_key",
    },
    "sign-out followed by a rejoin": {
      role: "anon",
      send: [
        push(token("access_token", good)),
        push(token("access_token", PUBLISHABLE_KEY)),
        join(token("access_token", good)),
      ],
      closes: "signed_out",
      refused: ["signed_out"],
      arrives: [{}],
    },
    "a rejoin that carries the key of a sign-out": {
      role: "anon",
      send: [
        join(token("access_token", good)),
        join(token("access_token", PUBLISHABLE_KEY)),
        join(CONFIG),
      ],
      closes: "signed_out",
      refused: ["signed_out"],
      arrives: [{ config: {} }],
    },
  };
}

/** The attacks that only vsn 1.0.0 knows: its envelope is an object. */
export const objectAttacks: Record<string, FrameAttack> = {
  "duplicate topic": {
    send: [
      `{"topic":${ROOM},"event":"phx_join","payload":${CONFIG},"ref":"1","topic":${SECRET}}`,
      `{"topic":${SECRET},"event":"phx_join","payload":${CONFIG},"ref":"1","topic":${ROOM}}`,
    ],
    refused: ["topic_forbidden"],
    arrives: [{ config: {} }],
  },
  "duplicate event": {
    send: [
      `{"event":"phx_join","topic":${ROOM},"payload":{},"ref":"1","event":"whatever"}`,
      `{"event":"whatever","topic":${ROOM},"payload":{},"ref":"1","event":"phx_join"}`,
    ],
    refused: ["table_forbidden"],
  },
  "a binary frame": { send: [binary(3, "realtime:room:a")] },
};

/** The attacks that only vsn 2.0.0 knows: its envelope is an array, and it has binary frames. */
export const arrayAttacks: Record<string, FrameAttack> = {
  "topic swap by join_ref": {
    send: [
      `["1","9",${SECRET},"broadcast",{}]`,
      `["1","1",${SECRET},"phx_join",${CONFIG}]`,
      `[null,"9",${SECRET},"broadcast",{}]`,
      `[{"topic":${ROOM}},"9",${SECRET},"broadcast",{}]`,
      `["1","9",[${ROOM}],"broadcast",{}]`,
      `["1","9",${ROOM},"phx_join",${CONFIG},${SECRET}]`,
      binary(3, "realtime:secret"),
    ],
    refused: ["topic_forbidden", "topic_forbidden", "topic_forbidden"],
  },
  "binary type 0, 1, 2 and 4 from a client": {
    send: [0, 1, 2, 4, 5, 255].map((kind) => binary(kind, "realtime:room:a")),
  },
  "a binary topic that only looks like the joined one": {
    send: ["\uFEFFrealtime:room:a", "realtime:room:a\0", "realtime:room:A"].map((topic) =>
      binary(3, topic)
    ),
  },
  "bytes that claim to be JSON and are not": {
    send: [
      ...["", "x", "{", "{}}", "{} x", '","event":"x"', "\ufeff{}", '"\n"', "[1,]", "NaN", "'a'"],
      ...['{}},"topic":"realtime:secret","x":{"y":{}', "[".repeat(600) + "]".repeat(600)],
      ...[[0x22, 0xff, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xc0, 0xaf, 0x22], [0]],
    ].flatMap((payload) =>
      // Realtime takes every encoding but 0 for JSON.
      [1, 2, 255].map((encoding) => binary(3, "realtime:room:a", { payload, encoding }))
    ),
  },
  "a broadcast's names that are no text, and metadata that is no JSON": {
    send: [
      { event: [0xff] },
      { event: [0xed, 0xa0, 0x80] },
      { ref: [0x80] },
      { metadata: "x" },
      { metadata: "{" },
      { metadata: [0xff] },
    ].map((parts) => binary(3, "realtime:room:a", { ...parts, encoding: 0 })),
  },
  "a list that others may read otherwise": {
    send: [
      `\ufeff["1","9",${SECRET},"phx_join",${CONFIG}]`,
      `["1","9",${ROOM},"phx_leave",${CONFIG},${SECRET}]`,
      `["1","9",${ROOM},"phx_join",${CONFIG}]]`,
      `["1","9",${ROOM},"phx_join",${CONFIG}`,
      `["1","9",${ROOM},"phx_join",${CONFIG},]`,
      `["1","9","realtime:room:a\n","broadcast",{}]`,
      `["1","9","realtime:room:\\ud800","broadcast",{}]`,
      `["1","9",${ROOM},"broadcast"]`,
      `[01,"9",${ROOM},"broadcast",{}]`,
      `["1","9",${ROOM} ${SECRET},"broadcast",{}]`,
    ],
  },
  "binary lengths that lie": {
    send: [
      binary(3, "realtime:room:a").slice(0, 20),
      new Uint8Array([3, 255, 255, 255, 255, 255, 0]),
      new Uint8Array([3]),
      new Uint8Array(),
    ],
  },
};
