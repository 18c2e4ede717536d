/** By which name the doctor asks. */
export const AGENT = { "User-Agent": "realtime-relay-doctor" };

/** Fields of a head; who sends one that Headers cannot hold has sent nothing that is read here. */
export function headersOf(fields: Iterable<readonly [name: string, value: string]>): Headers {
  const headers = new Headers();
  for (const [name, value] of fields) {
    try {
      headers.append(name, value);
    } catch {
      // Not a field.
    }
  }
  return headers;
}

/** Name and value of a line of a head (RFC 9112, 5); what is none has no name that Headers takes. */
export function fieldOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(":");
  return [line.slice(0, Math.max(0, colon)), line.slice(colon + 1).trim()];
}
