import type { Cues } from "../cues.ts";

const JSON_TYPE = { "content-type": "application/json" };
const ANON = { apikey: "<ANON>" };
const SERVICE = { authorization: "Bearer <SERVICE_ROLE>" };
const MESSAGE = { topic: "t", event: "e", payload: { a: 1 } };
const SINGLE = "/api/broadcast/t/events/e";

function post(headers: Record<string, string>, messages: unknown) {
  const body = JSON.stringify({ messages });
  return { method: "POST", path: "/api/broadcast", headers: { ...JSON_TYPE, ...headers }, body };
}

function single(type: string, body: string | Uint8Array) {
  return { method: "POST", path: SINGLE, headers: { "content-type": type, ...ANON }, body };
}

export default (): Cues => ({
  tokens: { "bad jwt": { fault: "signature" } },
  requests: {
    "broadcast anon apikey header": post(ANON, [MESSAGE]),
    "broadcast Authorization bearer service_role": post(SERVICE, [MESSAGE]),
    "no auth": post({}, [MESSAGE]),
    "bad jwt": post({ apikey: "<jwt>" }, [MESSAGE]),
    "missing messages": { ...post(ANON, []), body: "{}" },
    "bad message (no topic)": post(ANON, [{ event: "e", payload: { a: 1 } }]),
    "payload not an object": post(ANON, [{ ...MESSAGE, payload: "text" }]),
    "malformed json": { ...post(ANON, []), body: "{not json" },
    "private without policy": post(ANON, [{ ...MESSAGE, private: true }]),
    "private service_role": post(SERVICE, [{ ...MESSAGE, private: true }]),
    // No tenant was asked for by any other header than the Host, which was the usual one.
    "missing tenant": post(ANON, [MESSAGE]),
    "single JSON": single("application/json", '{"a":1}'),
    "single binary": single("application/octet-stream", new Uint8Array([0, 1, 2, 255])),
    "single text/plain": single("text/plain", "text"),
    "OPTIONS broadcast": { method: "OPTIONS", path: "/api/broadcast" },
    "GET broadcast": { path: "/api/broadcast", headers: ANON },
    "tenant health": { path: "/api/tenants/realtime-dev/health", headers: SERVICE },
    "unknown path": { path: "/nothing/here" },
  },
});
