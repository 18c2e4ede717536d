/**
 * Broadcasts by HTTP. A private one that its sender may not send is refused where it is one event,
 * accepted and dropped where it is one of a list.
 */
import { Buffer } from "node:buffer";
import type { Rate } from "../rate.ts";
import type { Tenant } from "../tenant.ts";
import { type Identity, verify } from "../token.ts";
import { isAllowed, mayBroadcast, RightsError } from "../topics/access.ts";
import { PREFIX, type Topic } from "../topics/topic.ts";
import { broadcastPayload, jsonFrame, type Outgoing, userBroadcastFrame } from "../wire/frame.ts";
import { at, decode, encode, type Json, type JsonObject } from "../wire/json.ts";
import { UserBroadcast } from "../wire/message.ts";
import { json, page } from "./answer.ts";
import { type Faults, faultsOf, faultsOfOne, flagOf, idOf } from "./faults.ts";
import { headersOf } from "./headers.ts";
import { acceptsJson, isJsonList, typeOf } from "./media.ts";

/** Bytes of a body that are read. */
const MAX_BODY = 8_000_000;
const SINGLE = /^\/api\/broadcast\/([^/]+)\/events\/([^/]+)$/;

/** Why the rights of one event's sender cannot be told. */
const NO_RIGHTS = { policy: "RLS policy error", partition: "Missing messages partition" };

/** Answers a request below /api/broadcast; undefined where it is none. */
export async function broadcastByHttp(
  tenant: Tenant,
  request: Request,
): Promise<Response | undefined> {
  const { pathname, searchParams } = new URL(request.url);
  const single = SINGLE.exec(pathname);
  if (request.method !== "POST" || (!single && pathname !== "/api/broadcast")) return undefined;
  const type = typeOf(request);
  const body = await readBody(request, MAX_BODY);
  if (!body) return json(413, { message: "Payload Too Large" });
  const isJson = body.length > 0 && (single ? type === "json" : isJsonList(request));
  const parsed = isJson ? parse(body) : undefined;
  if (isJson && parsed === undefined) return page(400, "Bad Request");
  if (!acceptsJson(request)) return page(406, "Not Acceptable");
  if (single && type === "other") {
    const error = "Unsupported Media Type. Use application/json or application/octet-stream";
    return json(415, { error });
  }
  const rate = rateHeaders(tenant.topics.events);
  const { isFull } = tenant.topics.events;
  if (isFull) return json(429, { message: "You have exceeded your rate limit" }, rate);
  const identity = await identify(tenant, request);
  if (!identity) return json(401, { message: "Unauthorized" }, rate);
  const sender = { tenant, identity, rate, headers: headersOf(request, () => true) };
  if (!single) return await sendMany(sender, at(parsed, "messages"));
  const [name, event] = single.slice(1).map(unescapePart);
  // The body's word counts before the query's, null as well.
  const own = at(parsed, "private");
  const word = own === undefined ? searchParams.getAll("private").at(-1) : own;
  const topic = { name, isPrivate: word === true || word === "true" };
  const data = type === "raw"
    ? new UserBroadcast(event, "raw", body)
    : new UserBroadcast(event, "json", Buffer.from(encode(payloadOf(parsed))));
  const faults = faultsOfOne(name, event, data.data.length, tenant.limits.payloadBytes);
  if (hasAny(faults)) return json(422, { errors: faults }, rate);
  try {
    const isSent = await send(sender, topic, userBroadcastFrame(PREFIX + name, data));
    return isSent ? accepted(rate) : json(403, { message: "Unauthorized" }, rate);
  } catch (error) {
    if (!(error instanceof RightsError)) throw error;
    return json(422, { message: NO_RIGHTS[error.fault] }, rate);
  }
}

/** An event's payload is an object, whatever its body is. */
function payloadOf(parsed: Json | undefined): JsonObject {
  if (parsed === undefined) return new Map();
  return parsed instanceof Map ? parsed : new Map([["_json", parsed]]);
}

interface Sender {
  tenant: Tenant;
  identity: Identity;
  headers: string;
  rate: Record<string, string>;
}

async function sendMany(sender: Sender, messages?: Json): Promise<Response> {
  const { rate, tenant: { limits: { payloadBytes } } } = sender;
  if (!Array.isArray(messages) || messages.length === 0) {
    return json(422, { errors: { messages: ["can't be blank"] } }, rate);
  }
  const faults = messages.map((message) => faultsOf(message, payloadBytes));
  if (faults.some(hasAny)) {
    return json(422, { errors: { messages: faults } }, rate);
  }
  for (const message of messages as JsonObject[]) {
    const [name, event] = ["topic", "event"].map((key) => message.get(key) as string);
    const id = idOf(message);
    const meta = id === null ? undefined : JSON.stringify({ id });
    const payload = broadcastPayload(event, encode(message.get("payload")!), meta);
    const frame = jsonFrame({ topic: PREFIX + name, event: "broadcast", payload });
    await isAllowed(send(sender, { name, isPrivate: flagOf(message.get("private"))! }, frame));
  }
  return accepted(rate);
}

const hasAny = (faults: Faults) => Object.keys(faults).length > 0;

/** Sends it if its sender may; says whether that was so. */
async function send({ tenant, ...client }: Sender, topic: Topic, frame: Outgoing) {
  const isAllowed = await mayBroadcast(topic, { database: tenant.database, client });
  if (isAllowed) tenant.topics.send(topic, frame);
  return isAllowed;
}

async function identify(tenant: Tenant, request: Request): Promise<Identity | undefined> {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  const token = bearer ?? request.headers.get("apikey");
  return token ? await verify(token, tenant.keys).catch(() => undefined) : undefined;
}

/** The whole body, or undefined where it is larger than that. */
async function readBody(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parse(body: Uint8Array): Json | undefined {
  try {
    return decode(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    return undefined;
  }
}

/** A part of a path as it was meant, or as it stands where it is not escaped well. */
function unescapePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const accepted = (rate: Record<string, string>) =>
  new Response(null, { status: 202, headers: { "content-length": "0", ...rate } });

/** How near the limit is, on the average of the minute; nothing where there is none. */
function rateHeaders({ limit, count }: Rate): Record<string, string> {
  if (limit === Infinity) return {};
  const [perSecond, rolling] = [limit / 60, Math.round(count / 60)];
  return {
    "x-rate-limit": String(perSecond),
    "x-rate-limit-remaining": String(Math.max(0, perSecond - rolling)),
    "x-rate-rolling": String(rolling),
  };
}
