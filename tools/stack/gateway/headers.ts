import type { IncomingMessage } from "node:http";

/** Header fields in the order and spelling in which they came; a name may occur more than once. */
export type Fields = [name: string, value: string][];

/** About one connection only (RFC 9110, 7.6.1): never passed on. */
const HOP_BY_HOP = new Set([
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"],
  "upgrade",
]);

/** The fields of `message` without those of its connection. */
export function endToEnd(message: IncomingMessage): Fields {
  return allFields(message).filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase()));
}

/** The fields of `message`, all of them. */
export function allFields({ rawHeaders }: IncomingMessage): Fields {
  const fields: Fields = [];
  for (let i = 0; i < rawHeaders.length; i += 2) fields.push([rawHeaders[i], rawHeaders[i + 1]]);
  return fields;
}

/** `fields` with each name in `changes` set to its value, or taken out where that is undefined. */
export function change(fields: Fields, changes: Record<string, string | undefined>): Fields {
  const kept = fields.filter(([name]) => !(name.toLowerCase() in changes));
  const set = Object.entries(changes).filter((entry): entry is Fields[number] => !!entry[1]);
  return [...kept, ...set];
}

/** `fields` as node:http takes them: a name that occurs more than once has a list. */
export function toHeaders(fields: Fields): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of fields) {
    const before = headers[name.toLowerCase()];
    headers[name.toLowerCase()] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

/** What a gateway tells the server behind it about the request that it passes on. */
export function forwarded(request: IncomingMessage): Record<string, string | undefined> {
  const before = request.headers["x-forwarded-for"];
  const peer = request.socket.remoteAddress;
  return {
    "x-forwarded-for": [before, peer].filter(Boolean).join(", "),
    "x-forwarded-proto": "http",
    "x-forwarded-host": request.headers.host,
  };
}
