import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Writes an answer of the relay's, which are small: whole, with its length. */
export async function answer(response: Response, to: ServerResponse): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  // What is left of a body that nobody read would be taken for the next request.
  if (!to.req.complete) to.setHeader("connection", "close");
  for (const [name, value] of response.headers) to.setHeader(name, value);
  if (response.status !== 204) to.setHeader("content-length", body.length);
  to.writeHead(response.status).end(body);
}

/** Answers a request for an upgrade by plain HTTP, with a body like any other, and ends it. */
export async function answerUpgrade(
  response: Response,
  message: IncomingMessage,
  socket: Duplex,
): Promise<void> {
  const to = new ServerResponse(message);
  to.shouldKeepAlive = false;
  to.assignSocket(socket as Parameters<ServerResponse["assignSocket"]>[0]);
  to.on("finish", () => socket.end(() => socket.destroy()));
  await answer(response, to);
}
