import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { EdgeWorker } from "./worker.ts";

/** The one address in front of all workers. */
export interface Front {
  port: number;
  /** Takes no more connections. */
  refuse(): void;
  stop(): Promise<void>;
}

/** More than a head with a token of 8 kB in two places. */
const MAX_HEAD_BYTES = 64 * 1024;

/** What Edge Runtime makes of an answer to an upgrade that does not say what it was asked for. */
const BAD_GATEWAY = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/**
 * Passes each connection to the worker of its moment, byte for byte; only its head is looked at, so
 * one connection carries one request.
 */
export async function startFront(current: () => Promise<EdgeWorker>): Promise<Front> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((client) => {
    pass(keep(client), current, keep).catch(() => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    refuse: () => void server.close(),
    stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      return closed;
    },
  };
}

async function pass(
  client: Socket,
  current: () => Promise<EdgeWorker>,
  keep: (socket: Socket) => Socket,
): Promise<void> {
  const head = await readHead(client);
  const requested = upgradeTypeOf(head.toString("latin1"));
  const worker = await current();
  const answered = worker.enter();
  const port = Number(worker.relay.address.split(":")[1]);
  const server = keep(connect({ host: "127.0.0.1", port }));
  server.once("close", () => {
    answered();
    // A worker that was killed may have left neither an answer nor the end that pipe() waits for.
    if (requested !== undefined && server.bytesRead === 0) client.end(BAD_GATEWAY);
    else client.end();
  });
  client.once("close", () => server.destroy());
  server.once("data", (first) => {
    answered();
    if (requested !== undefined && upgradeTypeOf(first.toString("latin1")) !== requested) {
      client.end(BAD_GATEWAY);
      server.destroy();
    } else {
      client.write(first);
      server.pipe(client);
    }
  });
  server.write(requested === undefined ? closing(head) : head);
  client.pipe(server);
}

/** What a head wants to change to, or has changed to: the value as it stands there, by its case too. */
function upgradeTypeOf(head: string): string | undefined {
  const [, connection = ""] = /\r\nconnection:([^\r]*)/i.exec(head) ?? [];
  const isUpgrade = connection.split(",").some((it) => it.trim().toLowerCase() === "upgrade");
  return isUpgrade ? /\r\nupgrade: *([^\r]*)/i.exec(head)?.[1] : undefined;
}

/** The first bytes of a connection, at least to the end of its head. */
function readHead(client: Socket): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let head = Buffer.alloc(0);
  const read = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const isWhole = head.includes("\r\n\r\n");
    if (!isWhole && head.length < MAX_HEAD_BYTES) return;
    client.off("data", read).pause();
    if (isWhole) resolve(head);
    else reject(new Error("The head is too long."));
  };
  client.on("data", read);
  client.once("close", () => reject(new Error("The client left.")));
  return promise;
}

/** A second request on the same connection would reach the old worker. */
function closing(head: Buffer): Buffer {
  const text = head.toString("latin1").replace("\r\n", "\r\nconnection: close\r\n");
  return Buffer.from(text, "latin1");
}
