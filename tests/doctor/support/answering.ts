import type { Stage } from "./stage.ts";

/** A front that answers every request so, and is asked for a project. */
export const answering =
  (answer: (request: Request) => Response, path = "") => ({ after }: Stage): string[] => {
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, answer);
    after(() => server.shutdown());
    return [`http://127.0.0.1:${server.addr.port}${path}`];
  };
