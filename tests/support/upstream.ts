/** A scripted Realtime and Auth server, for what the real ones do not do on command. */
export interface Upstream {
  /** `http://127.0.0.1:<port>`: the relay's SUPABASE_URL. */
  url: string;
  /** Every request that arrived, as method and URL. */
  requests: string[];
  /** How many of them were for the socket. */
  dials(): number;
  stop(): Promise<void>;
}

export interface Script {
  /** Called for each accepted socket, before it is open. */
  onSocket?(socket: WebSocket, request: Request): void;
  /** Answers the socket's request instead of accepting it. */
  refuse?(request: Request): Response | Promise<Response>;
  /** Answers everything that is not the socket. */
  onRequest?(request: Request): Response | Promise<Response>;
}

/** Starts a server that accepts every socket and does with it what the script says. */
export function startUpstream(script: Script = {}): Upstream {
  const requests: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    requests.push(`${request.method} ${request.url}`);
    const { pathname } = new URL(request.url);
    if (pathname !== "/realtime/v1/websocket") {
      return script.onRequest?.(request) ?? new Response(null, { status: 404 });
    }
    if (script.refuse) return script.refuse(request);
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    script.onSocket?.(socket, request);
    return response;
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    dials: () => requests.filter((line) => line.includes("/realtime/v1/websocket")).length,
    // Sockets that a test left open would keep a graceful shutdown waiting.
    stop: () =>
      Promise.race([server.shutdown(), new Promise<void>((done) => setTimeout(done, 500))]),
  };
}
