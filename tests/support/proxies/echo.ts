import { Wire } from "../wire.ts";

/** What arrived behind a proxy. */
export interface Arrived {
  /** Path and query. */
  url: string;
  headers: Record<string, string>;
}

/**
 * A gateway that tells what arrives: in the answer's body, or as a socket's first message. After that
 * a socket gets back what it sends.
 */
export function startEcho() {
  const abort = new AbortController();
  const options = { hostname: "127.0.0.1", port: 0, onListen() {}, signal: abort.signal };
  const server = Deno.serve(options, (request) => {
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
  });
  return {
    address: `127.0.0.1:${server.addr.port}`,
    /** Ends it at once, sockets included; from then on nothing listens there. */
    async stop() {
      abort.abort();
      await server.finished;
    },
  };
}

/** A server that reads a request's head, keeps it, and hangs up. */
export function startHangingUp(address: string) {
  const [hostname, port] = address.split(":");
  const listener = Deno.listen({ hostname, port: Number(port) });
  const heads: string[] = [];
  const run = (async () => {
    for await (const connection of listener) {
      using wire = new Wire(connection);
      heads.push(await wire.until("\r\n\r\n"));
    }
  })();
  return {
    heads,
    async stop() {
      listener.close();
      await run;
    },
  };
}
