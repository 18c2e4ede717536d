import type { RelayError } from "../errors.ts";
import { type Close, CONNECTING, OPEN, type Socket } from "../runtime.ts";

/** RFC 6455 leaves 125 bytes to a control frame, two of which are the code. */
const MAX_REASON_BYTES = 123;

/** How long a client must say nothing before it is closed. */
export const QUIET_MS = 50;

/** A client that never stops speaking is closed after this many times QUIET_MS. */
const PATIENCE = 10;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Cuts a reason to 123 bytes of UTF-8, never through a character. */
export function cutReason(reason: string): string {
  const bytes = encoder.encode(reason);
  if (bytes.length <= MAX_REASON_BYTES) return reason;
  let end = MAX_REASON_BYTES;
  while ((bytes[end] & 0xc0) === 0x80) end--;
  return decoder.decode(bytes.subarray(0, end));
}

/** The close frame of a refusal. */
export function closeOf(error: RelayError): Close {
  return { code: error.closeCode, reason: cutReason(error.reason) };
}

/**
 * What the client is told when upstream closed. An accepted socket may send 1000-1003, 1007-1009,
 * 1011-1013 and 3000-4999; `lost` stands in for the codes that only describe a missing close frame
 * (0, 1005, 1006, 1015) and for those that nobody may send.
 */
export function closeForClient(upstream: Close, lost: RelayError): Close {
  if (!mayAccepted(upstream.code)) return closeOf(lost);
  const reason = upstream.reason ||
    `Realtime closed the connection (${upstream.code}): reconnect.`;
  return { code: upstream.code, reason: cutReason(reason) };
}

/**
 * What upstream is told when the client closed. A dialled socket may send 1000 and 3000-4999 only
 * (WHATWG WebSockets, close()). The client's reason is its own text and stays here.
 */
export function closeForUpstream(client: Close): Close {
  const { code } = client;
  return { code: code >= 3000 && code <= 4999 ? code : 1000, reason: "" };
}

function mayAccepted(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1009) ||
    (code >= 1011 && code <= 1013) || (code >= 3000 && code <= 4999);
}

/**
 * Closes a client's socket as soon as it is open and has been quiet for 50 ms, after 500 ms in any
 * case. Deno drops the connection when it reads a message after `close`: the client then sees 1006
 * and no reason, since the close frame was not sent yet, or what it has sent since meets a reset.
 */
export function closeWhenQuiet(socket: Socket, { code, reason }: Close): void {
  // Whoever has left needs no timer.
  if (socket.readyState > OPEN) return;
  let left = PATIENCE;
  let heard = false;
  const look = (after: () => void) => {
    if (socket.readyState !== OPEN) return;
    if (!heard || --left <= 0) return after();
    heard = false;
    wait();
  };
  const close = () => socket.close(code, reason);
  // A timer that is late runs before what has arrived meanwhile is read: hence the second look.
  const lookAgain = () => setTimeout(() => look(close), 0);
  const wait = () => setTimeout(() => look(lookAgain), QUIET_MS);
  socket.addEventListener("message", () => heard = true);
  // A close before `open` would hang it.
  if (socket.readyState === CONNECTING) socket.addEventListener("open", wait, { once: true });
  else wait();
}
