/** What part of a JWT was read last, and what is in it: one request asks for one again and again. */
const last = { part: "", value: {} as Readonly<Record<string, unknown>> };

const decoder = new TextDecoder();

/**
 * The JSON object in the header or the claims of a JWT, of which nothing is verified. Not to be
 * changed. Throws where there is none.
 */
export function readPart(part: string): Readonly<Record<string, unknown>> {
  if (part === last.part) return last.value;
  const value = JSON.parse(textOf(part));
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

/** What of JSON tells where its keys are. */
const SIGNS = /"(?:[^"\\]|\\.)*"|[[\]{}:]/g;

/**
 * True where no claim of a JWT that claimsOf() has read comes twice (RFC 7519, 4): of two, JavaScript
 * takes the last and Realtime the first.
 */
export function hasEachClaimOnce(token: string): boolean {
  const names = new Set<string>();
  let [depth, text] = [0, ""];
  for (const [sign] of textOf(token.split(".")[1]).matchAll(SIGNS)) {
    if (sign === "{" || sign === "[") depth++;
    else if (sign === "}" || sign === "]") depth--;
    else if (sign !== ":") text = sign;
    else if (depth === 1) {
      const name = JSON.parse(text);
      if (names.has(name)) return false;
      names.add(name);
    }
  }
  return true;
}

function textOf(part: string): string {
  const bytes = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  return /[\x80-\xff]/.test(bytes) ? decode(bytes) : bytes;
}

const decode = (bytes: string): string =>
  decoder.decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
