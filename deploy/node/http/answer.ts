import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { readOff } from "./read_off.ts";

/**
 * Writes an answer of the relay's, which are small: whole, with its length. The connection goes on, or
 * ends, when what nobody read of the request's body is off it.
 */
export async function answer(response: Response, to: ServerResponse): Promise<void> {
  await write(response, to);
  if (!to.req.complete) await readOff(to.req);
  to.end();
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
  await write(response, to);
  to.end();
}

async function write(response: Response, to: ServerResponse): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  for (const [name, value] of response.headers) to.setHeader(name, value);
  if (response.status !== 204) to.setHeader("content-length", body.length);
  to.writeHead(response.status);
  if (body.length > 0) to.write(body);
  else to.flushHeaders();
}
