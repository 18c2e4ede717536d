import type { Config } from "../config/config.ts";
import type { Identity } from "../door/identity.ts";
import { authorizeBroadcast } from "../door/policy.ts";
import { type BroadcastPath, broadcastUrl } from "../realtime/upstream.ts";
import { JsonText } from "./json_text.ts";
import { bodyIsPrivate, queryIsPrivate } from "./private.ts";
import type { Judged } from "./send.ts";

/**
 * Judges one event: by the query's `private`, or its body's where Realtime reads that as JSON. The
 * body goes on as it came, since its receivers see all of it. Throws `bad_request` and what
 * authorizeBroadcast() throws.
 */
export function judgeEvent(
  { topic, event }: Pick<BroadcastPath, "topic" | "event">,
  request: Pick<Request, "url" | "headers">,
  body: Uint8Array<ArrayBuffer>,
  identity: Identity,
  config: Config,
): Judged {
  const type = typeOf(request.headers);
  // A body without a byte is an empty object to Realtime.
  const isJson = type === "application/json" && body.length > 0;
  const isPrivate = (isJson ? bodyIsPrivate(new JsonText(body)) : undefined) ??
    queryIsPrivate(new URL(request.url).searchParams);
  authorizeBroadcast(identity, topic, isPrivate, config);
  return { url: broadcastUrl(config, { topic, event, isPrivate }), type, body, messages: 1 };
}

/**
 * Of the client's content-type what it is to Realtime: JSON, bytes, or another, which it answers with
 * 415. The last goes on as one that no version parses, so that nothing in that body has a meaning.
 */
function typeOf(headers: Headers): string | undefined {
  const given = headers.get("content-type");
  if (given === null) return undefined;
  const essence = given.split(";", 1)[0].trim().toLowerCase();
  return ["application/json", "application/octet-stream"].includes(essence)
    ? essence
    : "text/plain";
}
