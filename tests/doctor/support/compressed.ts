import { Buffer } from "node:buffer";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
// @ts-types="./ws.d.ts"
import { WebSocketServer } from "ws";
import { agree } from "./agree.ts";
import type { Stage } from "./stage.ts";

/** A frame that says it is compressed (RFC 7692, 6), and holds what nothing was compressed to. */
const BROKEN = Buffer.from([0xc1, 4, 0xff, 0xff, 0xff, 0xff]);

/** A Realtime that compresses for whom offers it, as browsers do; or `breaks` what it sends them. */
export async function compressing({ after }: Pick<Stage, "after">, breaks = false) {
  const server = new WebSocketServer({
    ...{ host: "127.0.0.1", port: 0, perMessageDeflate: { threshold: 0 } },
  });
  server.on("connection", (socket: WebSocket, { socket: tcp }: IncomingMessage) => {
    agree(socket);
    if (breaks && socket.extensions) socket.onmessage = () => void tcp.write(BROKEN);
  });
  await once(server, "listening");
  after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}/realtime/v1`;
}
