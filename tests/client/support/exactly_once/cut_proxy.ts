import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** How a connection is lost: its ends are told by RST, or by nothing, as on a dead line. */
export type Cut = "reset" | "silence";

/** Stands for the network between clients and a server. */
export interface CutProxy {
  /** `127.0.0.1:<port>`. */
  address: string;
  /** How many connections there ever were. */
  readonly opened: number;
  /** Cuts all connections of now, or the first so many of all; later ones pass. Returns how many. */
  cut(how: Cut, first?: number): number;
  /** Later connections go there, those of now stay. */
  lead(target: string): void;
  stop(): Promise<void>;
}

/** The two halves of one connection. */
interface Line {
  /** From 0. */
  n: number;
  client: Socket;
  server: Socket;
}

/** Carries TCP to `target`, `127.0.0.1:<port>`, byte for byte, until it is told to cut. */
export async function startCutProxy(target: string): Promise<CutProxy> {
  const lines = new Set<Line>();
  const silenced = new Set<Line>();
  let opened = 0;
  const proxy = createServer((client) => {
    const [host, port] = target.split(":");
    const line = { n: opened++, client, server: connect({ host, port: Number(port) }) };
    lines.add(line);
    join(line, () => lines.delete(line));
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));

  function cut(how: Cut, first = Infinity): number {
    const those = [...lines].filter(({ n }) => n < first);
    for (const line of those) {
      lines.delete(line);
      if (how === "silence") silenced.add(silence(line));
      else ends(line).forEach((end) => end.resetAndDestroy());
    }
    return those.length;
  }

  return {
    address: `127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    get opened() {
      return opened;
    },
    cut,
    lead: (next) => target = next,
    stop() {
      const closed = new Promise<void>((resolve) => proxy.close(() => resolve()));
      for (const line of [...lines, ...silenced]) ends(line).forEach((end) => end.destroy());
      return closed;
    },
  };
}

const ends = ({ client, server }: Line) => [client, server];

/** Pipes both ways; an end's end is the other's, an abort aborts. */
function join({ client, server }: Line, onEnd: () => void): void {
  for (const [from, to] of [[client, server], [server, client]]) {
    from.setNoDelay(true);
    from.on("error", () => "Told by `close`.");
    from.once("close", () => {
      onEnd();
      to.destroy();
    });
    from.pipe(to);
  }
}

/** From here on neither end hears of the other, its end included, though both stay open. */
function silence(line: Line): Line {
  const { client, server } = line;
  for (const [from, to] of [[client, server], [server, client]]) {
    from.unpipe(to);
    from.removeAllListeners("close");
    from.resume();
  }
  return line;
}
