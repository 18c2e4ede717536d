import assert from "node:assert/strict";
import { type Gateway, startGateway, type Targets } from "../../../tools/stack/gateway/gateway.ts";
import type { Keys } from "../../../tools/stack/keys.ts";

/** What a project has; nothing here signs or checks. */
export const KEYS: Keys = {
  jwtSecret: "a-secret-that-the-gateway-itself-never-uses",
  anonKey: "eyJ.anon.key",
  serviceRoleKey: "eyJ.service.key",
  publishableKey: "sb_publishable_of_a_test",
  secretKey: "sb_secret_of_a_test",
  userPassword: "",
};

/** What a part behind the gateway was asked. */
export interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

async function note(request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const headers = Object.fromEntries(request.headers);
  const path = pathname + search;
  return Response.json({ method: request.method, path, headers, body: await request.text() });
}

/** A gateway in front of parts that answer with what they were asked. */
export async function withGateway(
  work: (gateway: Gateway, targets: Targets) => Promise<void>,
  handler: (request: Request) => Response | Promise<Response> = note,
) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  const url = `http://127.0.0.1:${server.addr.port}`;
  const targets: Targets = {
    ...{ realtime: url, relay: url, redirect: url },
    api: async (request) => await handler(request),
  };
  const gateway = await startGateway({ port: 0, keys: KEYS, targets });
  try {
    await work(gateway, targets);
  } finally {
    await gateway.stop();
    await server.shutdown();
  }
}

/** What the part behind was asked by this request. */
export async function ask(url: string, init?: RequestInit): Promise<Asked> {
  const response = await fetch(url, init);
  assert.equal(response.status, 200, `${response.status} for ${url}`);
  return await response.json();
}
