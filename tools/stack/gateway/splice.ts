import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { Passage } from "./plan.ts";
import { ANSWER_MS, badGateway, gatewayTimeout, toHttp } from "./refuse.ts";

/**
 * How long one direction may stay open after the other has ended. A WebSocket needs moments for that;
 * a peer that vanished in between would hold two sockets for ever.
 */
const HALF_CLOSED_MS = 30_000;
const SWITCHING = "HTTP/1.1 101";

/**
 * Passes an upgrade on: writes its head anew, and from there on carries bytes both ways as they are,
 * so that frames, close codes and pings are the two ends' own. `early` is what the client sent right
 * behind its head. An answer other than 101 passes unchanged too. The ends end together: what one
 * closes is closed on the other, and an abort aborts.
 */
export function splice(
  request: IncomingMessage,
  client: Socket,
  early: Uint8Array,
  origin: string,
  { part, path, fields }: Passage,
): void {
  const { hostname, port } = new URL(origin);
  const server = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  server.setNoDelay(true);
  client.setNoDelay(true);
  endTogether(client, server);
  const late = setTimeout(() => {
    client.end(toHttp(gatewayTimeout(part)));
    server.destroy();
  }, ANSWER_MS);
  const unanswered = () => server.bytesRead === 0 && client.end(toHttp(badGateway(part)));
  server.once("error", unanswered);
  server.once("end", unanswered);
  server.once("close", () => clearTimeout(late));
  server.once("data", (first) => {
    clearTimeout(late);
    if (!SWITCHING.startsWith(first.toString("latin1", 0, SWITCHING.length))) {
      refuse(client, server);
    }
  });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  server.write(`${request.method} ${path} HTTP/1.1\r\n${lines}\r\n`, "latin1");
  server.write(early);
  client.pipe(server);
  server.pipe(client);
}

/** An end is passed on by pipe(). This is for what pipe() leaves open: aborts, and lone halves. */
function endTogether(client: Socket, server: Socket): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const endSoon = () => {
    timer ??= setTimeout(() => [client, server].forEach((it) => it.destroy()), HALF_CLOSED_MS);
  };
  for (const [socket, other] of [[client, server], [server, client]]) {
    socket.once("error", () => {});
    socket.once("end", endSoon);
    socket.once("close", () => {
      if (other.destroyed) clearTimeout(timer);
      // What is still on its way to the other end is delivered first.
      else if (other.writableEnded) endSoon();
      else other.destroy();
    });
  }
}

/**
 * No WebSocket after all. The answer goes on, but a second request on this connection would pass by
 * the gateway's routes and keys, so it ends the connection.
 */
function refuse(client: Socket, server: Socket): void {
  client.unpipe(server);
  client.once("data", () => client.destroy());
  client.once("end", () => server.end());
  client.resume();
}
