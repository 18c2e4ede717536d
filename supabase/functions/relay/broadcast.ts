import type { Identity } from "./authenticate.ts";
import type { Config } from "./config.ts";
import { RelayError } from "./errors.ts";
import type { Runtime } from "./runtime.ts";
import { broadcastUrl } from "./upstream.ts";

/** Realtime's own bound on a payload is 3000 kB. */
const MAX_BODY_BYTES = 3_000_000;

/** Where a broadcast goes: to one event of one topic, or, with neither, to those in the body. */
export interface BroadcastTarget {
  topic?: string;
  event?: string;
}

/**
 * Sends an HTTP broadcast on to Realtime, as the user. Of the client's headers only content-type
 * goes along. Answers what Realtime answers; throws `too_big` and the `upstream_…` errors.
 */
export async function broadcast(
  request: Request,
  target: BroadcastTarget,
  identity: Identity,
  config: Config,
  runtime: Runtime,
): Promise<Response> {
  const headers = new Headers({ apikey: config.upstreamKey });
  if (identity.kind === "user") {
    headers.set("authorization", `Bearer ${identity.token}`);
  }
  const type = request.headers.get("content-type");
  if (type) headers.set("content-type", type);
  const body = await readBody(request);
  const signal = AbortSignal.timeout(config.dialTimeoutMs);
  const url = broadcastUrl(config, target.topic, target.event);
  try {
    const answer = await runtime.fetch(url, { method: "POST", headers, body, signal });
    return new Response(await answer.text() || null, {
      status: answer.status,
      headers: {
        "content-type": answer.headers.get("content-type") ??
          "application/json",
      },
    });
  } catch (cause) {
    const code = signal.aborted ? "upstream_timeout" : "upstream_refused";
    throw new RelayError(code, "Realtime did not take the broadcast.", { cause });
  }
}

async function readBody(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new RelayError("too_big", `The body is over ${MAX_BODY_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
