/** What a person can act on, where the other side gave no reason of its own. */

export const NO_ANSWER = "token() does not answer.";
export const NO_TOKEN = "token() gives what is no token: give the access token alone.";
export const OTHER_USER = "Another user is signed in.";
export const NO_SOCKET = "This runtime has no WebSocket: give one as host.WebSocket.";
export const NO_HANDLERS =
  "Nobody listens to the socket: this supabase-js is too old, 2.57 or newer is needed.";

/** For a constructor that throws, which no second attempt changes. */
export function forbidden(relay: URL, error: unknown): string {
  const { name } = error as Error ?? {};
  const page = (globalThis as { location?: { protocol?: string } }).location;
  if (name !== "SecurityError") return `The socket cannot be made: ${name}.`;
  return page?.protocol === "https:" && relay.protocol === "ws:"
    ? "A page on https may open no ws: socket: give the relay's URL with https."
    : `The page's Content-Security-Policy forbids this socket: add ${relay.origin} to connect-src.`;
}

/** For a socket that ended. Deno gives 0 where browsers give 1006. */
export function ended(code: number | undefined, reason: string, wasOpen: boolean): string {
  if (reason) return reason;
  if (code === 1012) return "restart: The worker has ended, a new one takes over.";
  if (code && code !== 1006) return `The socket was closed with ${code}.`;
  return wasOpen
    ? "The connection was cut."
    : "The socket could not be opened: the relay is down or unreachable, or the page's " +
      "Content-Security-Policy forbids it.";
}
