import type { Config } from "../config/config.ts";
import type { Identity } from "../door/identity.ts";
import { RelayError } from "../errors.ts";
import type { Runtime } from "../runtime.ts";

/** Realtime's longest, the faults of 100 messages, has a sixth of it. */
const MAX_ANSWER_BYTES = 65_536;

/** What goes to Realtime for a broadcast: nothing of it was not judged. */
export interface Judged {
  url: URL;
  /** The content-type; undefined where the client named none. */
  type: string | undefined;
  body: Uint8Array<ArrayBuffer>;
  /** How many messages it is. */
  messages: number;
}

/**
 * Sends what was judged to Realtime, as the user. Answers what Realtime answers: status, content-type
 * and the first 65,536 bytes of the body. A redirect is none of its answers, and is not followed.
 * Throws `upstream_timeout` and `upstream_refused`.
 */
export async function send(
  { url, type, body }: Judged,
  identity: Identity,
  config: Config,
  runtime: Pick<Runtime, "fetch">,
): Promise<Response> {
  const headers = new Headers({ apikey: config.upstreamKey });
  if (identity.kind === "user") headers.set("authorization", `Bearer ${identity.token}`);
  if (type !== undefined) headers.set("content-type", type);
  const signal = AbortSignal.timeout(config.dialTimeoutMs);
  try {
    const init: RequestInit = { method: "POST", headers, body, redirect: "manual", signal };
    const answer = await runtime.fetch(url, init);
    if (answer.status < 200 || (answer.status >= 300 && answer.status < 400)) {
      throw new Error(`It answered with ${answer.status}.`);
    }
    const text = await firstBytes(answer, MAX_ANSWER_BYTES);
    return new Response(text.length > 0 ? text : null, {
      status: answer.status,
      headers: { "content-type": answer.headers.get("content-type") ?? "application/json" },
    });
  } catch (cause) {
    const code = signal.aborted ? "upstream_timeout" : "upstream_refused";
    throw new RelayError(code, "Realtime did not take the broadcast.", { cause });
  }
}

/** What comes first of a body; the rest is not read. */
async function firstBytes(answer: Response, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const reader = answer.body?.getReader();
  const bytes = new Uint8Array(reader ? most : 0);
  let size = 0;
  while (reader && size < most) {
    const { done, value } = await reader.read();
    if (done) return bytes.slice(0, size);
    const piece = value.subarray(0, most - size);
    bytes.set(piece, size);
    size += piece.length;
  }
  reader?.cancel().catch(() => "Realtime has left.");
  return bytes.slice(0, size);
}
