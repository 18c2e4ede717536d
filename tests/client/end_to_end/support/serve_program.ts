/**
 * A program at `viewer.js`, a page at `/` that runs it, and one at any other path that does not.
 * `headers` go with all of them.
 */
export function serveProgram(
  file: string,
  headers: Record<string, string> = {},
): { url: string } & AsyncDisposable {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async ({ url }) => {
    const { pathname } = new URL(url);
    const [type, body] = pathname.endsWith(".js")
      ? ["text/javascript", await Deno.readTextFile(file)]
      : [
        "text/html",
        `<!doctype html>${pathname === "/" ? '<script src="/viewer.js"></script>' : ""}`,
      ];
    return new Response(body, { headers: { ...headers, "content-type": type } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
