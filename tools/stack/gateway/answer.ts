import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { addField } from "./cors.ts";
import type { Handler, Passage } from "./plan.ts";
import { badGateway, refuse } from "./refuse.ts";

/**
 * Asks `handler` for `path` with `fields` and answers with what it says. Bodies are streamed; the
 * request's signal fires if the client leaves. A handler that throws is a 502.
 */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handler: Handler,
  { part, path, fields }: Passage,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    const url = `http://${request.headers.host}${path}`;
    const hasBody = request.method !== "GET" && request.method !== "HEAD";
    const reply = await handler(
      new Request(url, {
        method: request.method,
        headers: fields,
        body: hasBody ? Readable.toWeb(request) as ReadableStream<Uint8Array> : null,
        signal: gone.signal,
      }),
    );
    for (const [name, value] of reply.headers) addField(response, name, value);
    response.writeHead(reply.status);
    if (reply.body) await pipeline(Readable.fromWeb(reply.body), response);
    else response.end();
  } catch {
    if (!gone.signal.aborted) refuse(response, badGateway(part));
  }
}
