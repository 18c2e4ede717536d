import { RelayError } from "../../errors.ts";

/** People wait for it. */
const TIMEOUT_MS = 2_000;

/** Far more than a few keys take, or one user. */
const MAX_BYTES = 65_536;

/** What a server said; `body` is what its JSON held, undefined where it was none. */
export interface Reply {
  status: number;
  body: unknown;
}

export interface Question {
  url: URL;
  headers: Headers;
  /** Sent by POST; without one it is a GET. */
  body?: string;
  /** Who is asked, for the error. */
  whom: string;
  /** Default: 64 kB. */
  maxBytes?: number;
}

/**
 * Asks a server. Follows no redirect, and gives up after 2 s, or when more bytes than allowed were
 * read. Throws `auth_unavailable` where no whole answer came.
 */
export async function ask(
  { url, headers, body, whom, maxBytes = MAX_BYTES }: Question,
  fetch: typeof globalThis.fetch,
): Promise<Reply> {
  const method = body === undefined ? "GET" : "POST";
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  try {
    const answer = fetch(url, { method, headers, body, redirect: "manual", signal });
    return await Promise.race([answer.then((response) => read(response, maxBytes)), late]);
  } catch (cause) {
    throw new RelayError("auth_unavailable", `${whom} could not be asked.`, { cause });
  }
}

async function read(response: Response, maxBytes: number): Promise<Reply> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the rest.
    if (size > maxBytes) throw new Error(`the answer is over ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return { status: response.status, body: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
