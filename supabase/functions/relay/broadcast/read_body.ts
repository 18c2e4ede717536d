import { RelayError } from "../errors.ts";
import type { Body } from "./bodies.ts";
import { concat } from "./concat.ts";

/** A piece costs 16 µs and an object, its bytes next to nothing: packets are large, drops are few. */
const MAX_DROPS = 256;
const LEAST_PIECE_BYTES = 256;

/**
 * Reads a body whole, within `timeoutMs`: a client that sends it by drops would hold the worker for
 * as long. What is here of it is counted in `body`. Throws `body_timeout` for one that is late or
 * comes in drops, `bad_request` for one that breaks off, and what `body` throws.
 */
export async function readBody(
  request: Pick<Request, "body">,
  body: Pick<Body, "hold" | "whole">,
  timeoutMs: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = request.body?.getReader();
  if (!reader) return new Uint8Array();
  const leave = () => void reader.cancel().catch(() => "The client has left.");
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    leave();
  }, timeoutMs);
  const pieces = new Pieces(body);
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (late) throw new Error("It is late.");
      if (done) return pieces.whole();
      pieces.add(value);
    }
  } catch (cause) {
    // Of one that is too long, or not paid for, the rest may be read off before its sender is refused.
    if (cause instanceof RelayError && cause.code !== "body_timeout") reader.releaseLock();
    else leave();
    if (late) throw new RelayError("body_timeout", "The body took too long.");
    if (cause instanceof RelayError) throw cause;
    throw new RelayError("bad_request", "The body broke off.", { cause });
  } finally {
    clearTimeout(timer);
  }
}

class Pieces {
  readonly #pieces: Uint8Array[] = [];
  #size = 0;

  constructor(readonly body: Pick<Body, "hold" | "whole">) {}

  add(piece: Uint8Array): void {
    this.#size += piece.length;
    this.body.hold(this.#size);
    this.#pieces.push(piece);
    if (this.#pieces.length <= MAX_DROPS + this.#size / LEAST_PIECE_BYTES) return;
    throw new RelayError("body_timeout", "The body came in too many pieces.");
  }

  whole(): Uint8Array<ArrayBuffer> {
    this.body.whole(this.#size);
    return concat(this.#pieces);
  }
}
