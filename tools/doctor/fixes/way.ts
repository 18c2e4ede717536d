/** What the lines lead where. */
export interface Way {
  /** host:port of what the path leads to. */
  gateway: string;
  /** What stands before the gateway's own path at the front, such as `/supabase`; else nothing. */
  prefix: string;
  /** The gateway's own path, with a slash at both ends. */
  path: string;
}

/** Where the official compose and this relay listen, unless told. */
const GATEWAY = "127.0.0.1:8000";
const RELAY = "127.0.0.1:8787";

/** Paths that a gateway has by themselves; whatever is before one of them is the front's own. */
const OWN = /^(.*?)(\/(?:realtime\/v1|functions\/v1\/relay|socket)\/)$/;

/** The way of a socket's URL; `gateway` is host:port, where it is known. */
export function wayOf(socket: URL, gateway?: string): Way {
  const directory = socket.pathname.replace(/[^/]*$/, "");
  const [, prefix = "", path = directory] = OWN.exec(directory) ?? [];
  // A relay of its own finds its path by itself, whatever stands before it.
  const isBareRelay = directory.endsWith("/relay/") && !directory.endsWith("/functions/v1/relay/");
  return { gateway: gateway ?? (isBareRelay ? RELAY : GATEWAY), prefix, path };
}
