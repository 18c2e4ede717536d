import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { choosePort, tellPorts } from "../../../tools/stack/project/ports.ts";

/** Listens on `port`, or on the next that is free. */
async function take(port: number): Promise<{ port: number; server: Server }> {
  for (;; port++) {
    const server = createServer();
    const taken = await new Promise<boolean>((resolve) =>
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true))
    );
    if (taken) return { port, server };
  }
}

Deno.test("a free port is used, and nothing is said", async () => {
  const { port, server } = await take(21_000);
  await new Promise((closed) => server.close(closed));
  const api = choosePort(port);
  assert.deepEqual(api, { asked: port, used: port });
  assert.equal(tellPorts({ api, db: api }), undefined);
});

Deno.test("in place of a taken port comes the next free one, and one line says so", async () => {
  const { port, server } = await take(21_100);
  const [api, db] = [choosePort(port), choosePort(port + 1, [choosePort(port).used])];
  assert.ok(api.used > port && api.used < 32_768);
  assert.notEqual(db.used, api.used);
  assert.ok(
    tellPorts({ api, db })!.startsWith(`Port ${port} of [api] is not free: ${api.used} instead.`),
  );
  server.close();
});

Deno.test("in place of an ephemeral port comes one below 32768 that ends alike", async () => {
  const { port, server } = await take(54_521);
  const { used } = choosePort(port);
  assert.ok(used >= 20_000 + port % 10_000 && used < 32_768, String(used));
  server.close();
});
