import { Buffer } from "node:buffer";

/** A TCP server that answers whatever comes with these bytes, and hangs up. */
export function serveBytes(answer: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const run = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(16_384)).catch(() => null);
      await connection.write(Buffer.from(answer, "latin1")).catch(() => 0);
      connection.close();
    }
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    async stop() {
      listener.close();
      await run;
    },
  };
}
