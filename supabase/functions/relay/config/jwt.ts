/** What part of a JWT was read last, and what is in it: one request asks for one again and again. */
const last = { part: "", value: {} as Readonly<Record<string, unknown>> };

const decoder = new TextDecoder();

/**
 * The JSON object in the header or the claims of a JWT, of which nothing is verified. Not to be
 * changed. Throws where there is none.
 */
export function readPart(part: string): Readonly<Record<string, unknown>> {
  if (part === last.part) return last.value;
  const bytes = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  const value = JSON.parse(/[\x80-\xff]/.test(bytes) ? decode(bytes) : bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError("not a JSON object");
  }
  Object.assign(last, { part, value });
  return value;
}

/** The claims of a JWT. Throws where it is none. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  const parts = token.split(".");
  if (parts.length !== 3) throw new TypeError("not three parts");
  return readPart(parts[1]);
}

const decode = (bytes: string): string =>
  decoder.decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
