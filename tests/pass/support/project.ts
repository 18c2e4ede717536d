import { createStorage } from "./storage.ts";

/** A whole project: the local stack, and what that has not. */
export interface Project extends AsyncDisposable {
  url: string;
}

/** Serves the stack at `apiUrl` on an address of its own, with Storage and two functions beside it. */
export function serveProject(apiUrl: string): Project {
  const storage = createStorage();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname, search, origin } = new URL(request.url);
    if (pathname.startsWith("/storage/v1/")) return storage(request, origin);
    if (pathname === "/functions/v1/events") return events();
    if (pathname === "/functions/v1/greet") return greet(request);
    const target = apiUrl + pathname + search;
    return request.headers.get("upgrade") ? carry(request, target) : hand(request, target);
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    url,
    async [Symbol.asyncDispose]() {
      await Promise.race([server.shutdown(), new Promise((done) => setTimeout(done, 500))]);
    },
  };
}

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "authorization, x-client-info, apikey, content-type",
};

async function greet(request: Request): Promise<Response> {
  if (request.method === "OPTIONS") return new Response("ok", { headers: CORS });
  const { name } = await request.json();
  return Response.json({ hello: name }, { headers: CORS });
}

function events(): Response {
  let timer: ReturnType<typeof setTimeout>;
  const body = new ReadableStream<string>({
    start(controller) {
      controller.enqueue("data: 1\n\n");
      timer = setTimeout(() => {
        controller.enqueue("data: 2\n\n");
        controller.close();
      }, 200);
    },
    cancel: () => clearTimeout(timer),
  });
  const headers = { ...CORS, "content-type": "text/event-stream" };
  return new Response(body.pipeThrough(new TextEncoderStream()), { headers });
}

async function hand({ method, headers, body }: Request, target: string): Promise<Response> {
  const answer = await fetch(target, { method, headers, body, redirect: "manual" });
  const kept = new Headers(answer.headers);
  // fetch() has decoded it.
  for (const name of ["content-encoding", "content-length"]) kept.delete(name);
  return new Response(answer.body, { status: answer.status, headers: kept });
}

function carry(request: Request, target: string): Response {
  const { socket: near, response } = Deno.upgradeWebSocket(request);
  const far = new WebSocket(target.replace(/^http/, "ws"));
  const opened = new Promise((resolve) => far.onopen = resolve);
  near.binaryType = far.binaryType = "arraybuffer";
  near.onmessage = ({ data }) => void opened.then(() => far.send(data));
  far.onmessage = ({ data }) => near.send(data);
  near.onclose = () => far.close();
  far.onclose = () => near.close();
  near.onerror = far.onerror = () => {};
  return response;
}
