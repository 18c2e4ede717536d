import type { ServedRelay } from "../../support/served_relay.ts";

/** What reached Realtime. */
export interface Arrived {
  path: string;
  headers: Headers;
  body: string;
  bytes: Uint8Array;
}

/** A scripted Realtime that keeps what arrives. */
export function upstreamThat(answer: () => Response, arrived: Arrived[] = []) {
  const onRequest = async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    const bytes = new Uint8Array(await request.arrayBuffer());
    const body = new TextDecoder().decode(bytes);
    arrived.push({ path: pathname + search, headers: request.headers, body, bytes });
    return answer();
  };
  return { onRequest, arrived };
}

export const accepted = () => new Response(null, { status: 202 });

/** What the relay answered; `code` is that of a refusal. */
export interface Posted {
  status: number;
  text: string;
  code?: string;
}

/** Sends a broadcast to the relay. */
export async function post(
  { relay }: Pick<ServedRelay, "relay">,
  path: string,
  init: RequestInit & { headers: Record<string, string> },
): Promise<Posted> {
  const url = `http://${relay.address}/functions/v1/relay${path}`;
  const response = await fetch(url, { method: "POST", ...init });
  const text = await response.text();
  return { status: response.status, text, code: codeOf(text) };
}

function codeOf(text: string): string | undefined {
  try {
    return JSON.parse(text).code;
  } catch {
    return undefined;
  }
}
