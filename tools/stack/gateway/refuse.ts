import { type ServerResponse, STATUS_CODES } from "node:http";

/** Why the gateway itself answers; the JSON body of each such answer. */
export interface Refusal {
  status: number;
  code: string;
  message: string;
  hint?: string;
}

export const NO_KEY: Refusal = {
  status: 401,
  code: "UNAUTHORIZED_MISSING_API_KEY",
  message: "No API key found in request",
  hint: "No `apikey` request header or url param was found.",
};

export const UNKNOWN_KEY: Refusal = {
  status: 401,
  code: "UNAUTHORIZED_INVALID_API_KEY",
  message: "Invalid API key",
  hint: "Double check your Supabase `apikey`: `deno task dev` prints the keys of this stack.",
};

export const NOT_FOUND: Refusal = {
  status: 404,
  code: "NOT_FOUND",
  message: "Nothing is served at this path",
};

/** The part behind is not there: it starts, restarts, or has ended. */
export function unavailable(part: string): Refusal {
  return { status: 503, code: "SERVICE_UNAVAILABLE", message: `${part} is not running now` };
}

/** The part behind refused the connection, or ended it without an answer. */
export function badGateway(part: string): Refusal {
  return { status: 502, code: "BAD_GATEWAY", message: `${part} did not answer` };
}

/** As long as a hosted project gives an Edge Function to begin its answer. */
export const ANSWER_MS = 150_000;

export function gatewayTimeout(part: string): Refusal {
  return { status: 504, code: "GATEWAY_TIMEOUT", message: `${part} did not answer in time` };
}

/** Answers with `refusal`, unless an answer has begun already: that one is cut off. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(refusal.status, { "content-type": "application/json" }).end(toJson(refusal));
}

/** The same as a whole HTTP/1.1 answer, for a socket that node:http has let go of. */
export function toHttp(refusal: Refusal): string {
  const body = toJson(refusal);
  return [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
    "content-type: application/json",
    `content-length: ${body.length}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}

function toJson({ code, message, hint }: Refusal): string {
  return JSON.stringify({ code, message, hint });
}
