/** Broadcasts by HTTP. A private one that its sender may not send is accepted and dropped. */
import { at, decode, encode, type Json, type JsonObject } from "./json.ts";
import { type Outgoing, UserBroadcast, userBroadcastFrame } from "./serializer.ts";
import { jsonFrame } from "./serializer.ts";
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
  const identity = await identify(tenant, request);
  if (!identity) return json(401, { message: "Unauthorized" });
  if (!single) return await sendMany(tenant, identity, await request.text());
  const [topic, event] = single.slice(1).map(decodeURIComponent);
  const isPrivate = searchParams.get("private") === "true";
  return await sendOne(tenant, identity, { topic, event, isPrivate }, request);
}

interface Target {
  topic: string;
  event: string;
  isPrivate: boolean;
}

async function sendMany(tenant: Tenant, identity: Identity, text: string): Promise<Response> {
  let body: Json;
  try {
    body = decode(text);
  } catch {
    return new Response("Bad Request", { status: 400, headers: HTML });
  }
  const messages = at(body, "messages");
  if (!Array.isArray(messages) || messages.length === 0) {
    return json(422, { errors: { messages: ["can't be blank"] } });
  }
  const faults = messages.map(faultsOf);
  if (faults.some((fault) => Object.keys(fault).length > 0)) {
    return json(422, { errors: { messages: faults } });
  }
  for (const message of messages as JsonObject[]) {
    const [topic, event] = ["topic", "event"].map((key) => message.get(key) as string);
    const target = { topic, event, isPrivate: message.get("private") === true };
    const payload = `{"event":${JSON.stringify(event)},"payload":${
      encode(message.get("payload")!)
    },"type":"broadcast"}`;
    await send(
      tenant,
      identity,
      target,
      jsonFrame({ topic: `realtime:${topic}`, event: "broadcast", payload }),
    );
  }
  return accepted();
}

async function sendOne(
  tenant: Tenant,
  identity: Identity,
  target: Target,
  request: Request,
): Promise<Response> {
  const type = request.headers.get("content-type")?.split(";")[0].trim();
  if (type !== "application/json" && type !== "application/octet-stream") {
    const error = "Unsupported Media Type. Use application/json or application/octet-stream";
    return json(415, { error });
  }
  const data = new Uint8Array(await request.arrayBuffer());
  const encoding = type === "application/json" ? "json" : "raw";
  const broadcast = new UserBroadcast(target.event, encoding, data);
  await send(tenant, identity, target, userBroadcastFrame(`realtime:${target.topic}`, broadcast));
  return accepted();
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

const HTML = { "content-type": "text/html; charset=utf-8" };

const accepted = () => new Response(null, { status: 202, headers: { "content-length": "0" } });

function json(status: number, body: unknown): Response {
  const headers = { "content-type": "application/json; charset=utf-8" };
  return new Response(JSON.stringify(body), { status, headers });
}
