import { Wire } from "../wire.ts";

/** What arrived behind a proxy. */
export interface Arrived {
  /** Path and query. */
  url: string;
  headers: Record<string, string>;
}

/**
 * A gateway that tells what arrives: in the answer's body, or as a socket's first message. After that
 * a socket gets back what it sends. It keeps its port when it starts to hang up: a port that is let
 * go may be another test's a moment later.
 */
export function startEcho() {
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const server = Deno.serve(options, echo);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Wire>();
  const heads: string[] = [];
  let hangsUp = false;

  const carry = async (connection: Deno.TcpConn) => {
    using near = new Wire(connection);
    open.add(near);
    if (hangsUp) heads.push(await near.until("\r\n\r\n"));
    else {
      using far = new Wire(await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port }));
      open.add(far);
      // Either end may go first, or be closed below.
      await Promise.race([pipe(near, far), pipe(far, near)]);
      open.delete(far);
    }
    open.delete(near);
  };
  const run = (async () => {
    const carried: Promise<void>[] = [];
    for await (const connection of listener) carried.push(carry(connection));
    await Promise.all(carried);
  })();
  const endAll = () => open.forEach((wire) => wire.close());

  return {
    address: `127.0.0.1:${listener.addr.port}`,
    /** The request heads that were read since it hangs up. */
    heads,
    /** Ends what is open; from now on it reads a request's head, keeps it, and hangs up. */
    hangUp() {
      hangsUp = true;
      endAll();
    },
    async stop() {
      listener.close();
      endAll();
      await run;
      await server.shutdown();
    },
  };
}

function echo(request: Request): Response {
  const { pathname, search } = new URL(request.url);
  const headers = Object.fromEntries(request.headers);
  const arrived: Arrived = { url: pathname + search, headers };
  if (headers.upgrade !== "websocket") return Response.json(arrived);
  const protocol = headers["sec-websocket-protocol"].split(", ")[0];
  const { socket, response } = Deno.upgradeWebSocket(request, { protocol });
  socket.binaryType = "arraybuffer";
  socket.onopen = () => socket.send(JSON.stringify(arrived));
  socket.onmessage = ({ data }) => socket.send(data);
  return response;
}

const pipe = (from: Wire, to: Wire) =>
  from.connection.readable.pipeTo(to.connection.writable).catch(() => {});
