/** Broadcasts by HTTP. A private one that its sender may not send is accepted and dropped. */
import { Buffer } from "node:buffer";
import { json, page } from "./answer.ts";
import { at, decode, encode, type Json, type JsonObject } from "./json.ts";
import type { Rate } from "./limits.ts";
import { jsonFrame, type Outgoing, UserBroadcast, userBroadcastFrame } from "./serializer.ts";
import type { Tenant } from "./tenant.ts";
import { type Identity, verify } from "./token.ts";

const SINGLE = /^\/api\/broadcast\/([^/]+)\/events\/([^/]+)$/;

/** Answers a request below /api/broadcast; undefined where it is none. */
export async function broadcastByHttp(
  tenant: Tenant,
  request: Request,
): Promise<Response | undefined> {
  const { pathname, searchParams } = new URL(request.url);
  const single = SINGLE.exec(pathname);
  if (request.method !== "POST" || (!single && pathname !== "/api/broadcast")) return undefined;
  if (single && typeOf(request) === undefined) {
    const error = "Unsupported Media Type. Use application/json or application/octet-stream";
    return json(415, { error });
  }
  const body = await readBody(request, tenant.limits.frameBytes);
  if (!body) return json(413, { message: "Payload Too Large" });
  const messages = single ? undefined : parse(body);
  if (!single && messages === undefined) return page(400, "Bad Request");
  const rate = rateHeaders(tenant.topics.events);
  const { isFull } = tenant.topics.events;
  if (isFull) return json(429, { message: "You have exceeded your rate limit" }, rate);
  const identity = await identify(tenant, request);
  if (!identity) return json(401, { message: "Unauthorized" }, rate);
  if (!single) return await sendMany({ tenant, identity, rate }, at(messages, "messages"));
  const [topic, event] = single.slice(1).map(unescapePart);
  const data = new UserBroadcast(event, typeOf(request)!, body);
  const isPrivate = searchParams.get("private") === "true";
  await send(tenant, identity, { topic, isPrivate }, userBroadcastFrame(`realtime:${topic}`, data));
  return accepted(rate);
}

interface Sender {
  tenant: Tenant;
  identity: Identity;
  rate: Record<string, string>;
}

async function sendMany({ tenant, identity, rate }: Sender, messages?: Json): Promise<Response> {
  if (!Array.isArray(messages) || messages.length === 0) {
    return json(422, { errors: { messages: ["can't be blank"] } }, rate);
  }
  const faults = messages.map(faultsOf);
  if (faults.some((fault) => Object.keys(fault).length > 0)) {
    return json(422, { errors: { messages: faults } }, rate);
  }
  for (const message of messages as JsonObject[]) {
    const [topic, event] = ["topic", "event"].map((key) => message.get(key) as string);
    const body = encode(message.get("payload")!);
    const payload = `{"event":${JSON.stringify(event)},"payload":${body},"type":"broadcast"}`;
    const frame = jsonFrame({ topic: `realtime:${topic}`, event: "broadcast", payload });
    await send(tenant, identity, { topic, isPrivate: message.get("private") === true }, frame);
  }
  return accepted(rate);
}

interface Target {
  topic: string;
  isPrivate: boolean;
}

async function send(tenant: Tenant, identity: Identity, target: Target, frame: Outgoing) {
  const { topic: name, isPrivate } = target;
  const config = { private: isPrivate } as never;
  const access = await tenant.access({ name, config }, identity);
  if (await access.mayWrite("broadcast")) tenant.topics.send(name, isPrivate, frame);
}

/** What is wrong with a message, by field. */
function faultsOf(message: Json): Record<string, string[]> {
  const faults: Record<string, string[]> = {};
  for (const field of ["topic", "event", "payload"]) {
    const value = at(message, field);
    const isRight = field === "payload" ? value instanceof Map : typeof value === "string";
    if (value === undefined || value === null || value === "") faults[field] = ["can't be blank"];
    else if (!isRight) faults[field] = ["is invalid"];
  }
  return faults;
}

async function identify(tenant: Tenant, request: Request): Promise<Identity | undefined> {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  const token = bearer ?? request.headers.get("apikey") ?? request.headers.get("x-api-key");
  return token ? await verify(token, tenant.keys).catch(() => undefined) : undefined;
}

function typeOf(request: Request): "json" | "raw" | undefined {
  const type = request.headers.get("content-type")?.split(";")[0].trim();
  if (type === "application/json") return "json";
  return type === "application/octet-stream" ? "raw" : undefined;
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
    return decode(new TextDecoder("utf-8", { fatal: true }).decode(body));
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
