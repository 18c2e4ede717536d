import { isFree } from "../postgres/free_port.ts";

/** Below this the system takes no port for an outgoing connection. */
const EPHEMERAL = 32_768;
/** Where the search for one in place of an ephemeral port begins: 54321 becomes 24321. */
const FIRST = 20_000;

/** A port that config.toml names, and the one that is used. */
export interface Port {
  asked: number;
  used: number;
}

/**
 * `asked` if it is free on 127.0.0.1, else the next that is, below 32768. Never one of `taken`.
 * Throws if there is none.
 */
export function choosePort(asked: number, taken: number[] = []): Port {
  const isUsable = (port: number) => !taken.includes(port) && isOurs(port);
  if (isUsable(asked)) return { asked, used: asked };
  const first = asked < EPHEMERAL - 1 ? asked + 1 : FIRST + asked % 10_000;
  for (let port = first; port < EPHEMERAL; port++) {
    if (isUsable(port)) return { asked, used: port };
  }
  throw new Error(`No port from ${first} to ${EPHEMERAL - 1} is free on 127.0.0.1.`);
}

function isOurs(port: number): boolean {
  try {
    return isFree(port);
  } catch (error) {
    // Below 1024 on many systems.
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}

/** Says in one line which ports are others than config.toml's; undefined if none is. */
export function tellPorts(ports: { api: Port; db: Port }): string | undefined {
  const moved = Object.entries(ports).filter(([, { asked, used }]) => asked !== used);
  if (moved.length === 0) return undefined;
  return moved.map(([name, { asked, used }]) =>
    `Port ${asked} of [${name}] is not free: ${used} instead.`
  ).join(" ");
}
