import { type ServerResponse, STATUS_CODES } from "node:http";

/** Why the gateway itself answers; the JSON body of each such answer. */
export interface Refusal {
  status: number;
  code: string;
  message: string;
  hint?: string;
  /** The message alone is the body, as plain text without a type. */
  isBare?: boolean;
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

export const NO_FUNCTION: Refusal = {
  status: 404,
  code: "NOT_FOUND",
  message: "Requested function was not found",
};

export const NO_TOKEN: Refusal = {
  status: 401,
  code: "UNAUTHORIZED_NO_AUTH_HEADER",
  message: "Missing authorization header",
  hint: "config.toml lets in whoever has no token: [functions.<name>] verify_jwt = false.",
};

export const WRONG_TOKEN: Refusal = {
  status: 401,
  code: "UNAUTHORIZED_INVALID_JWT_FORMAT",
  message: "Invalid JWT",
  hint: "A JWT of this project is wanted; a publishable or secret key is none.",
};

export const BOOT_ERROR: Refusal = {
  status: 503,
  code: "BOOT_ERROR",
  message: "Function failed to start (please check logs)",
};

export const BAD_HOST: Refusal = {
  status: 400,
  code: "BAD_HOST",
  message: "The Host header names no host",
};

/** What Realtime says to this; the server here cannot tell by which HTTP it was asked. */
export const OLD_HTTP: Refusal = {
  status: 400,
  code: "HTTP_1_0",
  message: "HTTP version HTTP/1.0 unsupported",
  isBare: true,
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
  response.writeHead(refusal.status, typeOf(refusal)).end(bodyOf(refusal));
}

/** The same as a whole HTTP/1.1 answer, for a socket that node:http has let go of. */
export function toHttp(refusal: Refusal): string {
  const body = bodyOf(refusal);
  return [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
    ...Object.entries(typeOf(refusal)).map((field) => field.join(": ")),
    `content-length: ${body.length}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}

function typeOf({ isBare }: Refusal): Record<string, string> {
  return isBare ? {} : { "content-type": "application/json" };
}

function bodyOf({ code, message, hint, isBare }: Refusal): string {
  return isBare ? message : JSON.stringify({ code, message, hint });
}
