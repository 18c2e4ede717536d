import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

/** What plays the project behind a relay that passes everything on. */
export interface Project extends AsyncDisposable {
  url: string;
  /** What has come: method and target of each request, its headers, how long its body was. */
  asked: { line: string; headers: IncomingMessage["headers"]; length: number }[];
  /** Resolves when a client of `/functions/v1/waits` has gone. */
  left: Promise<void>;
}

/** What much is sent in. */
const PIECE = new Uint8Array(100_000);

export const ZIPPED = gzipSync(JSON.stringify("hello ".repeat(100)));

/** Where an upload is refused before it has come. */
export const TOO_LARGE = "/storage/v1/object/b/too-large";

/** Where it is too, and the project cuts the connection behind its answer. */
export const CUT_OFF = "/storage/v1/object/b/cut-off";

export const REASON = JSON.stringify({ statusCode: "413", message: "The object is too large." });

type Answer = (request: IncomingMessage, to: ServerResponse, url: string) => void;

/** Answers by the path; where there is nothing for it, 200 and an empty body. */
export async function playProject(): Promise<Project> {
  const left = Promise.withResolvers<void>();
  const asked: Project["asked"] = [];
  let url = "";
  const answers: Record<string, Answer> = {
    "/functions/v1/events": (_request, to) => {
      to.writeHead(200, { "content-type": "text/event-stream" });
      to.write("data: 1\n\n");
      setTimeout(() => to.end("data: 2\n\n"), 300);
    },
    "/functions/v1/waits": (_request, to) => to.once("close", () => left.resolve()),
    "/rest/v1/zipped": ({ method, headers }, to) => {
      const isZipped = /gzip/.test(headers["accept-encoding"] ?? "");
      const body = isZipped ? ZIPPED : JSON.stringify("plain");
      const encoding: Record<string, string> = isZipped ? { "content-encoding": "gzip" } : {};
      to.writeHead(200, { ...encoding, etag: '"1"', "content-length": body.length });
      to.end(method === "HEAD" ? undefined : body);
    },
    "/storage/v1/object/b/part": ({ headers }, to) => {
      if (headers.range === "bytes=9-") {
        return void to.writeHead(416, { "content-range": "bytes */9" }).end();
      }
      to.writeHead(206, { "content-range": "bytes 0-1/9", "content-length": 2 }).end("ab");
    },
    "/storage/v1/object/b/big": ({ method, url = "" }, to) => {
      const size = Number(new URL(url, "http://project").searchParams.get("size"));
      if (method === "GET") sendBig(to, size);
      else to.end();
    },
    "/auth/v1/authorize": (_request, to) => {
      to.writeHead(302, {
        location: `${url}/auth/v1/callback?code=1`,
        "set-cookie": ["sb-flow=1; Path=/; Domain=127.0.0.1", "b=2; Max-Age=5"],
      }).end();
    },
    "/rest/v1/none": (_request, to) => to.writeHead(204, { "x-total": "0" }).end(),
  };
  const server = createServer((request, to) => {
    if (request.url === TOO_LARGE) return void to.writeHead(413).end();
    if (request.url === CUT_OFF) {
      const { socket } = request.pause();
      return void to.writeHead(413).end(REASON, () => socket.destroy());
    }
    let length = 0;
    request.on("data", (piece) => length += piece.length);
    request.on("end", () => {
      const { method, url: target = "", headers } = request;
      asked.push({ line: `${method} ${target}`, headers, length });
      const answer = answers[target.split("?", 1)[0]];
      if (answer) answer(request, to, url);
      else to.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ url, asked, left: left.promise },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function sendBig(to: ServerResponse, size: number): void {
  let left = size / PIECE.length;
  const more = () => {
    while (left-- > 0) if (!to.write(PIECE)) return void to.once("drain", more);
    to.end();
  };
  more();
}
