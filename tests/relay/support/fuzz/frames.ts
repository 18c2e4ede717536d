/** What a client may send on an open socket, well-formed and not. */
import type { Vsn } from "../../../../supabase/functions/relay/realtime/upstream.ts";
import { binary } from "../../../support/attack.ts";
import type { Random } from "./random.ts";

export type Data = string | Uint8Array<ArrayBuffer>;

const TOPICS = ["realtime:room:a", "realtime:room:b", "realtime:secret", "phoenix", "room:a", ""];
const EVENTS = ["phx_join", "phx_leave", "access_token", "broadcast", "presence", "heartbeat"];
const ODD_EVENTS = ["phx_close", "phx_reply", "phx_error", "__proto__", "postgres_changes", ""];

/** JSON that nobody expects where it stands. */
const ODD = [
  ...["null", "true", "-0", "1e999", "-1e-999", "123456789012345678901234567890", "[]", "{}", '""'],
  ...[
    '"\\ud800"',
    '"\ud800"',
    '"\\u0000"',
    '"\uffff"',
    '"__proto__"',
    '{"__proto__":{"config":1}}',
  ],
  ...['{"length":1,"0":1}', `"${"x".repeat(2000)}"`, '"realtime:secret"', '"phx_join"', '"*"'],
  "[".repeat(50) + "]".repeat(50),
];
const DEPTH = 100_000;
const DEEP = [
  "[".repeat(DEPTH) + "]".repeat(DEPTH),
  '{"a":'.repeat(DEPTH) + "1" + "}".repeat(DEPTH),
];

const BINDINGS = [
  { event: "*", schema: "public", table: "url_clicks" },
  { event: "*", schema: "public", table: "users" },
  { event: "*", schema: "*" },
  { event: "INSERT", schema: "public" },
];

function payloadOf(random: Random, event: string, tokens: readonly string[]): unknown {
  const access_token = random.pick(tokens);
  if (event === "access_token") return { access_token };
  if (event !== "phx_join") return { type: "broadcast", event: "e", payload: { n: 2 ** 53 } };
  const config: Record<string, unknown> = { private: random.oneIn(2) };
  if (random.oneIn(2)) config.postgres_changes = [random.pick(BINDINGS)];
  return random.oneIn(2) ? { config } : { config, access_token };
}

/** JSON with spaces, escapes, keys given twice and values replaced, here and there. */
function write(random: Random, value: unknown, oddness: number): string {
  if (random.oneIn(oddness)) return random.oneIn(200) ? random.pick(DEEP) : random.pick(ODD);
  const space = random.oneIn(20) ? random.pick([" ", "\n", "\t\r "]) : "";
  const inner = (it: unknown) => write(random, it, oddness);
  if (typeof value === "string") return space + writeText(random, value);
  if (Array.isArray(value)) return `${space}[${value.map(inner)}${space}]`;
  if (typeof value !== "object" || value === null) return space + (JSON.stringify(value) ?? "null");
  const members = Object.entries(value).flatMap(([key, it]) => {
    const member = () => `${writeText(random, key)}:${inner(it)}`;
    if (!random.oneIn(oddness)) return [member()];
    const other = `${writeText(random, key)}:${random.pick(ODD)}`;
    return random.oneIn(2) ? [member(), other] : [other, member()];
  });
  return `${space}{${members}${space}}`;
}

function writeText(random: Random, text: string): string {
  if (!random.oneIn(8)) return JSON.stringify(text);
  const escape = (it: string) =>
    random.oneIn(3) ? `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}` : it;
  return `"${[...text].map(escape).join("")}"`;
}

/** A frame in one of the two formats; sometimes in the wrong one. */
function makeText(random: Random, vsn: Vsn, tokens: readonly string[]): string {
  const event = random.oneIn(10) ? random.pick(ODD_EVENTS) : random.pick(EVENTS);
  const topic = random.oneIn(2) ? TOPICS[0] : random.pick(TOPICS);
  const [join_ref, ref] = random.pick([["1", "2"], [null, "3"], [4, 5]]);
  const payload = payloadOf(random, event, tokens);
  const isArray = (vsn === "2.0.0") !== random.oneIn(30);
  const frame = isArray
    ? [join_ref, ref, topic, event, payload]
    : { topic, event, payload, ref, join_ref };
  const text = write(random, frame, random.pick([8, 30, 1e9]));
  return random.oneIn(8) ? spoil(random, text) : text;
}

function spoil(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const put = random.pick(["", "\ufeff", "\0", "[", "}", '"', "\\", ",", "\ud800", text.slice(at)]);
  return text.slice(0, at) + put + text.slice(at + random.below(4));
}

function makeBinary(random: Random): Uint8Array<ArrayBuffer> {
  if (random.oneIn(5)) return random.bytes(40);
  const data = binary(random.oneIn(4) ? random.below(256) : 3, random.pick(TOPICS));
  if (random.oneIn(2)) return data;
  if (random.oneIn(3)) return data.slice(0, random.below(data.length));
  data[random.below(data.length)] = random.pick([0, 255, random.below(256)]);
  return data;
}

export function makeFrame(random: Random, vsn: Vsn, tokens: readonly string[]): Data {
  return random.oneIn(6) ? makeBinary(random) : makeText(random, vsn, tokens);
}
