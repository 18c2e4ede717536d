import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { answer } from "../../../tools/stack/gateway/answer.ts";
import { allowAnyOrigin, preflight } from "../../../tools/stack/gateway/cors.ts";
import { forward } from "../../../tools/stack/gateway/forward.ts";
import { allFields, endToEnd, type Fields } from "../../../tools/stack/gateway/headers.ts";
import { splice } from "../../../tools/stack/gateway/splice.ts";

/** A whole project: a stack, and the one thing that it has not. */
export interface Project extends AsyncDisposable {
  url: string;
}

const RESUMABLE = "/storage/v1/upload/resumable";

/**
 * Serves the stack at `apiUrl` on an address of its own, with a stand-in for resumable uploads, which
 * its Storage (@supabase/lite) has none of. All else is the stack's.
 */
export async function serveWithResumable(apiUrl: string): Promise<Project> {
  const resumable = createResumable(() => url);
  const passage = (request: IncomingMessage, fields: Fields) => ({
    ...{ part: "The stack", target: apiUrl, path: request.url!, fields },
  });
  const server: Server = createServer((request, response) => {
    if (!request.url!.startsWith(RESUMABLE)) {
      return forward(request, response, apiUrl, passage(request, endToEnd(request)));
    }
    allowAnyOrigin(response);
    response.setHeader("access-control-expose-headers", "location, upload-offset");
    if (request.method === "OPTIONS") return preflight(request, response);
    answer(request, response, resumable, passage(request, endToEnd(request)));
  });
  const sockets = new Set<Socket>();
  server.on("upgrade", (request: IncomingMessage, socket: Socket, early: Uint8Array) => {
    sockets.add(socket.once("close", () => sockets.delete(socket)));
    splice(request, socket, early, apiUrl, passage(request, allFields(request)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Uploads by tus 1.0.0, whose bytes nobody reads again. `origin`: the project's own. */
function createResumable(origin: () => string): (request: Request) => Promise<Response> {
  const uploads = new Map<string, { offset: number }>();
  return async (request) => {
    if (request.headers.get("tus-resumable") !== "1.0.0") {
      return new Response(null, { status: 412 });
    }
    if (request.method === "POST") {
      const made = crypto.randomUUID();
      uploads.set(made, { offset: 0 });
      // As Storage does: with the whole address.
      const headers = { location: `${origin()}${RESUMABLE}/${made}` };
      return new Response(null, { status: 201, headers });
    }
    const upload = uploads.get(new URL(request.url).pathname.slice(RESUMABLE.length + 1));
    if (!upload) return new Response(null, { status: 404 });
    if (request.method === "PATCH") {
      const { length } = await request.bytes();
      if (Number(request.headers.get("upload-offset")) !== upload.offset) {
        return new Response(null, { status: 409 });
      }
      upload.offset += length;
    }
    const headers = { "upload-offset": String(upload.offset) };
    return new Response(null, { status: request.method === "PATCH" ? 204 : 200, headers });
  };
}
