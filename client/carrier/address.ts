/** Ask the relay to answer such a name instead of the token entry; the newest that it knows wins. */
export const BATCHES = "realtime-relay.v2";
const PROTOCOLS = [BATCHES, "realtime-relay.v1"];

/** What the relay takes of realtime-js's query. */
const FORWARDED = ["vsn", "log_level"];

/** The address of a relay's socket. Throws a TypeError for one that is not http(s) or ws(s). */
export function socketUrl(relay: string | URL): URL {
  const url = new URL(relay);
  url.protocol = url.protocol.replace(/^http/, "ws");
  if (!/^wss?:$/.test(url.protocol)) {
    throw new TypeError(
      `The relay's URL must be http(s) or ws(s): got ${url.protocol}//`,
    );
  }
  url.pathname = url.pathname.replace(/(\/websocket)?\/*$/, "/websocket");
  return url;
}

/** True for Realtime itself. */
export const isDirect = ({ pathname }: URL): boolean =>
  /\/(realtime\/v1|socket)\/websocket$/.test(pathname);

/** Where to dial: the relay with what it takes of realtime-js's address, and the key if that counts. */
export function dialled(relay: URL, { searchParams }: URL, key?: boolean): URL {
  const url = new URL(relay);
  for (const name of key ? [...FORWARDED, "apikey"] : FORWARDED) {
    const value = searchParams.get(name);
    if (value !== null) url.searchParams.set(name, value);
  }
  return url;
}

/** Realtime knows no subprotocol, and browsers drop a socket whose server picks none. */
export function offered(relay: URL, token: string | null): string[] {
  if (isDirect(relay)) return [];
  return token ? [...PROTOCOLS, `jwt-${token}`] : PROTOCOLS;
}
