import { MAX_BODY_BYTES } from "./bodies.ts";

/** What is read of one body, at most. Pieces cost more than bytes. */
const MOST = { bytes: 2 * MAX_BODY_BYTES, pieces: 512, ms: 250 };

/** Of so many at once. */
const MAX_AT_ONCE = 4;

/**
 * Reads off what is left of a body that is too long, and keeps nothing of it: a host that answers
 * before may close the connection, and the client then sees that break instead of the answer
 * (RFC 9112, 9.6). What is longer still, comes later or is one too many is left unread.
 */
export class ReadOff {
  #underWay = 0;

  async read({ body }: Pick<Request, "body">): Promise<void> {
    if (!body || body.locked || this.#underWay === MAX_AT_ONCE) return;
    this.#underWay++;
    const reader = body.getReader();
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, MOST.ms);
    try {
      await Promise.race([readSome(reader), late.promise]);
    } catch {
      // The client has left.
    } finally {
      clearTimeout(timer);
      reader.cancel().catch(() => "The client has left.");
      this.#underWay--;
    }
  }
}

async function readSome(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  let { bytes, pieces } = MOST;
  while (bytes > 0 && pieces > 0) {
    const { done, value } = await reader.read();
    if (done) return;
    bytes -= value.length;
    pieces--;
  }
}
