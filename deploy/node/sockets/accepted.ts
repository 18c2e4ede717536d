import { RelayError } from "../../../supabase/functions/relay/errors.ts";
import { closeOf } from "../../../supabase/functions/relay/peer/close.ts";
import type { Reader } from "./pace.ts";
import type { Beating } from "./pulse.ts";
import { LeanSocket } from "./socket.ts";

/** RFC 6455, 7.4.1: how `ws` ends who sends more than `maxPayload`, and who sends it in more pieces. */
const TOO_MUCH = [1009, 1008];

/** A piece of a message costs an object and its memory, 0.3 to 0.4 kB, however few bytes it has. */
const SMALL_PIECES = 256;
const LEAST_PIECE_BYTES = 256;

/** Long enough to read why; what else it sends is not for anybody. */
const LINGER_MS = 1_000;

/** What of `ws` and Node tells how far a write has come, and bounds what is read; `ws` is pinned. */
interface Inner {
  _socket?: { _handle?: { writeQueueSize?: number } | null } | null;
  _receiver: { _maxPayload: number; _maxFragments: number; _maxBufferedChunks: number };
}

/** In how many pieces a message of so many bytes may come: fragments of its sender, and reads. */
const piecesOf = (bytes: number): number => SMALL_PIECES + Math.ceil(bytes / LEAST_PIECE_BYTES);

/** What `ws` is told of the largest message, and how it may come. */
export function boundsOf(bytes: number) {
  const pieces = piecesOf(bytes);
  return { maxPayload: bytes, maxFragments: pieces, maxBufferedChunks: pieces };
}

/** A client's socket. */
export class Accepted extends LeanSocket implements Reader, Beating {
  wasHeard = true;
  misses = 0;
  untakenBefore = 0;
  slot: Beating["slot"] = undefined;

  /** `bufferedAmount` falls when a write is done, which may be of all that waits. */
  get untaken(): number {
    const handle = (this as unknown as Inner)._socket?._handle;
    return this.bufferedAmount + (handle?.writeQueueSize ?? 0);
  }

  bound(bytes: number): void {
    const { _receiver } = this as unknown as Inner;
    _receiver._maxPayload = bytes;
    _receiver._maxFragments = _receiver._maxBufferedChunks = piecesOf(bytes);
  }

  /** A message beyond the relay's bound ends as on other hosts, in words; its rest is not read. */
  override close(code?: number, reason?: string): void {
    if (!TOO_MUCH.includes(code ?? 0) || reason !== undefined) return super.close(code, reason);
    const end = closeOf(new RelayError("too_big", ""));
    super.close(end.code, end.reason);
    // `ws` would read on in the next tick.
    setImmediate(() => this.pause());
    setTimeout(() => this.terminate(), LINGER_MS);
  }
}
