import type { Identity } from "./authenticate.ts";
import { authorizeBroadcast } from "./authorize.ts";
import type { Config } from "./config.ts";
import { RelayError } from "./errors.ts";
import type { Runtime } from "./runtime.ts";
import { broadcastUrl } from "./upstream.ts";

/** Realtime's own bound on a payload is 3000 kB. */
const MAX_BODY_BYTES = 3_000_000;

/** Realtime's own bound on events, which it would answer with 429. */
const MAX_MESSAGES = 100;

/** One event of one topic, from the path; with neither, the body names them. */
export interface BroadcastTarget {
  topic?: string;
  event?: string;
}

/**
 * Sends an HTTP broadcast on to Realtime, as the user, after each of its messages was judged. A list
 * of messages is built anew from what was parsed and goes as JSON, since Realtime also parses forms;
 * with one event the client's content-type goes along, and no other header ever does. `mayPass` takes
 * so many messages from what the sender has left. Answers what Realtime answers; throws `too_big`,
 * `bad_request`, `body_timeout`, `too_many_frames`, and what authorize.ts and the dial throw.
 */
export async function broadcast(
  request: Request,
  { topic, event }: BroadcastTarget,
  identity: Identity,
  mayPass: (messages: number) => boolean,
  config: Config,
  runtime: Runtime,
): Promise<Response> {
  const headers = new Headers({ apikey: config.upstreamKey });
  if (identity.kind === "user") headers.set("authorization", `Bearer ${identity.token}`);
  let type = request.headers.get("content-type");
  let body: BodyInit = await readBody(request, config.dialTimeoutMs);
  let messages = 1;
  // The path's form has no word for private: it is public.
  if (topic !== undefined) authorizeBroadcast(identity, topic, false, config);
  else {
    type = "application/json";
    const judged = judgeMessages(new TextDecoder().decode(body), identity, config);
    messages = judged.length;
    body = write(judged);
  }
  if (!mayPass(messages)) {
    throw new RelayError("too_many_frames", "Too many messages were broadcast by HTTP.");
  }
  if (type) headers.set("content-type", type);
  const url = broadcastUrl(config, topic, event);
  return await send(url, { method: "POST", headers, body }, config, runtime);
}

async function send(
  url: URL,
  init: RequestInit,
  config: Config,
  runtime: Runtime,
): Promise<Response> {
  const signal = AbortSignal.timeout(config.dialTimeoutMs);
  try {
    const answer = await runtime.fetch(url, { ...init, signal });
    return new Response(await answer.text() || null, {
      status: answer.status,
      headers: { "content-type": answer.headers.get("content-type") ?? "application/json" },
    });
  } catch (cause) {
    const code = signal.aborted ? "upstream_timeout" : "upstream_refused";
    throw new RelayError(code, "Realtime did not take the broadcast.", { cause });
  }
}

/** Judges `{"messages":[…]}`, to be written anew: of two equal keys Realtime would take the other. */
function judgeMessages(text: string, identity: Identity, config: Config): unknown[] {
  const { messages } = parse(text);
  if (!Array.isArray(messages) || messages.length > MAX_MESSAGES) {
    throw new RelayError("bad_request", `The body is no list of up to ${MAX_MESSAGES} messages.`);
  }
  return messages.map((message) => {
    const { topic, event, payload, private: isPrivate } = message ?? {};
    if (typeof topic !== "string") {
      throw new RelayError("bad_request", "A message of the body has no topic.");
    }
    authorizeBroadcast(identity, topic, isPrivate === true, config);
    return { topic, event, payload, private: isPrivate === true };
  });
}

function write(messages: unknown[]): string {
  try {
    return JSON.stringify({ messages });
  } catch {
    throw new RelayError("bad_request", "The body is nested too deep.");
  }
}

function parse(text: string): { messages?: unknown } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    throw new RelayError("bad_request", "The body is not JSON.");
  }
}

/** Reads the body whole; a client that sends it by drops would hold the worker for as long. */
async function readBody(request: Request, timeoutMs: number): Promise<Uint8Array<ArrayBuffer>> {
  const reader = request.body?.getReader();
  if (!reader) return new Uint8Array();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new RelayError("body_timeout", "The body took too long."));
  }, timeoutMs);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    while (true) {
      const { done, value } = await Promise.race([reader.read(), late.promise]);
      if (done) return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
      size += value.length;
      if (size > MAX_BODY_BYTES) {
        throw new RelayError("too_big", `The body is over ${MAX_BODY_BYTES} bytes.`);
      }
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => "The client has left.");
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
