import { type IncomingMessage, request as open, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { addField } from "./cors.ts";
import { endToEnd, toHeaders } from "./headers.ts";
import type { Passage } from "./plan.ts";
import { ANSWER_MS, badGateway, gatewayTimeout, refuse } from "./refuse.ts";

/**
 * Passes a request on and its answer back, both as streams and neither changed but for the fields of
 * the two connections. Ends one side when the other is aborted.
 */
export function forward(
  request: IncomingMessage,
  response: ServerResponse,
  origin: string,
  { part, path, fields }: Passage,
): void {
  const { hostname, port } = new URL(origin);
  const headers = toHeaders(fields);
  const upstream = open({ hostname, port, path, method: request.method, headers, agent: false });
  const timer = setTimeout(() => {
    if (!response.headersSent) refuse(response, gatewayTimeout(part));
    upstream.destroy();
  }, ANSWER_MS);
  upstream.once("error", () => {
    clearTimeout(timer);
    if (response.headersSent) response.destroy();
    else refuse(response, badGateway(part));
  });
  upstream.once("response", (answer: IncomingMessage) => {
    clearTimeout(timer);
    for (const [name, value] of endToEnd(answer)) addField(response, name, value);
    response.writeHead(answer.statusCode!, answer.statusMessage);
    pipeline(answer, response, () => {});
  });
  response.once("close", () => {
    clearTimeout(timer);
    upstream.destroy();
  });
  pipeline(request, upstream, () => {});
}
