/** A database, or a pooler before it, that lets somebody in, and then ends it or says nothing. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { diagnose, sawAll } from "./support/run.ts";

/** AuthenticationOk and ReadyForQuery, of PostgreSQL's frontend/backend protocol. */
const LET_IN = Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 0, 90, 0, 0, 0, 5, 73]);

/** An ErrorResponse. */
function errorOf(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C57P01\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, fields]);
}

const WAYS: Record<string, (socket: Socket) => void> = {
  "ends it": (socket) => socket.end(LET_IN),
  "cuts it": (socket) => socket.write(LET_IN, () => socket.destroy()),
  "says nothing": (socket) => socket.write(LET_IN),
  "says why": (socket) => socket.end(Buffer.concat([LET_IN, errorOf("too many are here")])),
};

for (const [way, cut] of Object.entries(WAYS)) {
  Deno.test(`a database that lets in and ${way} is told in words, and everything else too`, async () => {
    const open = new Set<Socket>();
    const server = createServer((socket) => {
      open.add(socket);
      socket.on("error", () => {});
      socket.once("data", () => cut(socket));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      const db = `postgres://someone:word@127.0.0.1:${port}/postgres`;
      const result = await diagnose(["http://127.0.0.1:1", "--wait", "2", "--db", db]);
      const saw = result.checks.filter(({ area }) => area === "database").map(({ saw }) => saw);
      assert.match(saw.join("; "), /^no connection: /, sawAll(result));
    } finally {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    }
  });
}
