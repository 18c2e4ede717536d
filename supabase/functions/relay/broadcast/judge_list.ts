import type { Config } from "../config/config.ts";
import type { Identity } from "../door/identity.ts";
import { authorizeBroadcast } from "../door/policy.ts";
import { RelayError } from "../errors.ts";
import { broadcastUrl } from "../realtime/upstream.ts";
import { concat } from "./concat.ts";
import { JsonText, type Span } from "./json_text.ts";
import { messageIsPrivate } from "./private.ts";
import type { Judged } from "./send.ts";

/** Realtime's own bound on events, which it would answer with 429. */
const MAX_MESSAGES = 100;

/** Others than these stay here; so many are no message, and each costs a look. */
const MAX_KEYS = 32;

/** The keys of a message that go on. */
const NAMES = ["topic", "event", "payload", "private"] as const;

/** Where the values of a message stand. Of two equal keys the first counts, as in Realtime. */
type Message = Partial<Record<typeof NAMES[number], Span>>;

/** Text that is to be encoded, or bytes as they stand. */
type Piece = string | Uint8Array;

/**
 * Judges `{"messages":[…]}` message by message, and writes the list anew: topic and `private` as they
 * were judged, event and payload as they stand there. It goes as JSON, whatever the client called it,
 * since Realtime also parses forms. Throws `bad_request` and what authorizeBroadcast() throws.
 */
export function judgeList(
  body: Uint8Array<ArrayBuffer>,
  identity: Identity,
  config: Config,
): Judged {
  const text = new JsonText(body);
  const list: Piece[][] = [];
  let isFound = false;

  function onKey(name: number, from: number): number {
    if (isFound || !text.says(name, "messages")) return text.endOf(from);
    if (!text.isArray(from)) throw noList();
    isFound = true;
    return text.array(from, onMessage);
  }

  function onMessage(from: number): number {
    if (list.length === MAX_MESSAGES || !text.isObject(from)) throw noList();
    const { message, to } = readMessage(text, from);
    list.push(judgeMessage(text, message, identity, config));
    return to;
  }

  if (!text.isObject(text.start)) throw noList();
  text.end(text.object(text.start, onKey));
  if (!isFound) throw noList();
  return {
    url: broadcastUrl(config),
    type: "application/json",
    body: encode(['{"messages":[', ...list.flatMap(separate), "]}"]),
    messages: list.length,
  };
}

function readMessage(text: JsonText, from: number): { message: Message; to: number } {
  const message: Message = {};
  let keys = 0;
  const to = text.object(from, (name, from) => {
    if (++keys > MAX_KEYS) {
      throw new RelayError("bad_request", `A message of the body has over ${MAX_KEYS} keys.`);
    }
    const to = text.endOf(from);
    const known = NAMES.find((it) => text.says(name, it));
    if (known !== undefined) message[known] ??= { from, to };
    return to;
  });
  return { message, to };
}

/** A message as it goes on. What it lacks, and what is of a wrong kind, is for Realtime to tell. */
function judgeMessage(text: JsonText, message: Message, identity: Identity, config: Config) {
  const topic = message.topic && text.isString(message.topic.from)
    ? text.string(message.topic.from)
    : undefined;
  if (topic === undefined) {
    throw new RelayError("bad_request", "A message of the body has no topic.");
  }
  const isPrivate = messageIsPrivate(text, message.private?.from);
  authorizeBroadcast(identity, topic, isPrivate, config);
  const pieces: Piece[] = [`{"topic":${JSON.stringify(topic)}`];
  if (message.event) pieces.push(',"event":', text.bytes(message.event));
  if (message.payload) pieces.push(',"payload":', text.bytes(message.payload));
  pieces.push(`,"private":${isPrivate}}`);
  return pieces;
}

const separate = (pieces: Piece[], index: number) => index === 0 ? pieces : [",", ...pieces];

function encode(pieces: Piece[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  return concat(pieces.map((piece) => typeof piece === "string" ? encoder.encode(piece) : piece));
}

function noList(): RelayError {
  return new RelayError("bad_request", `The body is no list of up to ${MAX_MESSAGES} messages.`);
}
