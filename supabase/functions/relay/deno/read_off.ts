/**
 * What is read of one body, at most: twice the longest that is ever taken. Pieces cost more than bytes.
 * A body in which nothing comes for `silentMs` waits for its answer.
 */
const MOST = { bytes: 6_000_000, pieces: 512, ms: 5_000, silentMs: 250 };

const PIECE_BYTES = 65_536;

/** The host keeps up to 400 kB of memory for a connection that brought more, for as long as it stays. */
const SMALL_BYTES = 65_536;

/** Of so many at once. */
const MAX_AT_ONCE = 8;

type Handler = (request: Request) => Promise<Response>;

/**
 * Reads off what a handler left unread of a body, before its answer goes out. Deno 2.1, and so Edge
 * Runtime, closes the connection behind such an answer, and a client that sends all before it reads
 * sees that break instead of the answer (RFC 9112, 9.6). A host that keeps what is unread does so until
 * it was begun to be read, as one that turns out too long, or as more than its sender can pay for.
 */
export function readingOff(handler: Handler, keepsUnread: boolean): Handler {
  // Strangers do not take the places of those whose token was good.
  const [known, others] = [new ReadOff(), new ReadOff()];
  return async (request) => {
    const response = await handler(request);
    // The body of a request that became a socket is not to be asked for.
    if (response.status === 101) return response;
    // Whose token was good: nobody else's body is begun, or found too long.
    const isKnown = request.bodyUsed || response.status === 413;
    if (keepsUnread && !isKnown) return response;
    const bytes = await (isKnown ? known : others).read(request);
    if (bytes > SMALL_BYTES) response.headers.set("connection", "close");
    return response;
  };
}

/**
 * Keeps nothing of what it reads. What is longer, comes later, is one too many or waits to be asked
 * for (RFC 9110, 10.1.1) is left unread.
 */
export class ReadOff {
  #underWay = 0;

  /** Resolves with how many bytes were read. */
  async read({ body, headers }: Pick<Request, "body" | "headers">): Promise<number> {
    if (!body || body.locked || this.#underWay === MAX_AT_ONCE) return 0;
    if (headers.has("expect") || Number(headers.get("content-length")) > MOST.bytes) return 0;
    this.#underWay++;
    return await readSome(body).finally(() => this.#underWay--);
  }
}

/** Into one piece of memory: else each that was read waits for V8 to collect it. */
async function readSome(body: ReadableStream<Uint8Array>): Promise<number> {
  let [bytes, pieces] = [0, MOST.pieces];
  const end = performance.now() + MOST.ms;
  try {
    const reader = body.getReader({ mode: "byob" });
    let memory = new ArrayBuffer(PIECE_BYTES);
    while (bytes < MOST.bytes && pieces-- > 0 && performance.now() < end) {
      const silence = Promise.withResolvers<void>();
      const timer = setTimeout(silence.resolve, MOST.silentMs);
      const read = await Promise.race([reader.read(new Uint8Array(memory)), silence.promise])
        .finally(() => clearTimeout(timer));
      if (read?.done) return bytes;
      if (!read) break;
      bytes += read.value.length;
      memory = read.value.buffer;
    }
    reader.cancel().catch(() => "The client has left.");
  } catch {
    // The client has left.
  }
  return bytes;
}
