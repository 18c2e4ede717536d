import { TYPES } from "../../../tools/site/serve.ts";

/** Serves a folder at `/links/` as any static host would, and nothing else; then ends. */
export async function withStaticHost(
  folder: string,
  work: (address: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async ({ url }) => {
      const [, name] = new URL(url).pathname.match(/^\/links\/([\w.]*)$/) ?? [];
      if (name === undefined) return new Response("Not found", { status: 404 });
      const file = name || "index.html";
      try {
        const headers = { "content-type": TYPES[file.split(".").at(-1)!] };
        return new Response(await Deno.readFile(`${folder}/${file}`), { headers });
      } catch {
        return new Response("Not found", { status: 404 });
      }
    },
  );
  try {
    await work(`http://127.0.0.1:${server.addr.port}/links/`);
  } finally {
    await server.shutdown();
  }
}
