import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** How a connection is lost: its ends are told by RST, or by nothing, as on a dead line. */
export type Cut = "reset" | "silence";

/** Stands for the network between clients and a server. */
export interface CutProxy {
  /** `127.0.0.1:<port>`. */
  address: string;
  /** Cuts all connections of now; later ones pass. Returns how many there were. */
  cut(how: Cut): number;
  stop(): Promise<void>;
}

/** The two halves of one connection. */
interface Line {
  client: Socket;
  server: Socket;
}

/** Carries TCP to `target`, `127.0.0.1:<port>`, byte for byte, until it is told to cut. */
export async function startCutProxy(target: string): Promise<CutProxy> {
  const [host, port] = target.split(":");
  const lines = new Set<Line>();
  const silenced = new Set<Line>();
  const proxy = createServer((client) => {
    const line = { client, server: connect({ host, port: Number(port) }) };
    lines.add(line);
    join(line, () => lines.delete(line));
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));

  function cut(how: Cut): number {
    for (const line of lines) {
      if (how === "silence") silenced.add(silence(line));
      else ends(line).forEach((end) => end.resetAndDestroy());
    }
    const count = lines.size;
    lines.clear();
    return count;
  }

  return {
    address: `127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    cut,
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
