/** One name for a project and its relay, as docs/DEPLOY.md has a proxy do it. */
export interface OneName extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  address: string;
}

const SOCKET = "/realtime/v1/websocket";

/**
 * Leads each connection by the head of its first request: one for Realtime's socket to the relay,
 * whose path it gets, any other to the project. Both by host:port.
 */
export function serveOneName(relay: string, project: string): OneName {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const run = (async () => {
    for await (const connection of listener) lead(connection, relay, project).catch(() => {});
  })();
  return {
    address: `127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await run;
    },
  };
}

async function lead(connection: Deno.Conn, relay: string, project: string): Promise<void> {
  const buffer = new Uint8Array(65_536);
  const length = await connection.read(buffer);
  if (length === null) return connection.close();
  const head = new TextDecoder("latin1").decode(buffer.subarray(0, length));
  const isSocket = head.split(" ", 2)[1]?.startsWith(SOCKET);
  const [hostname, port] = (isSocket ? relay : project).split(":");
  const target = await Deno.connect({ hostname, port: Number(port) });
  const first = isSocket ? head.replace(SOCKET, "/functions/v1/relay/websocket") : head;
  const writer = target.writable.getWriter();
  await writer.write(Uint8Array.from(first, (letter) => letter.charCodeAt(0)));
  writer.releaseLock();
  await Promise.all([
    connection.readable.pipeTo(target.writable),
    target.readable.pipeTo(connection.writable),
  ]);
}
