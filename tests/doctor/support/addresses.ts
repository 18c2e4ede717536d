import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { ownPort } from "../../support/proxies/ports.ts";
import { serveBytes } from "./bytes.ts";
import type { SetUp, Stage } from "./stage.ts";

/** An https server on localhost, with a certificate that openssl made. */
export async function https(
  { after }: Pick<Stage, "after">,
  name: string,
  days = "30",
  protocols?: string[],
): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "realtime-relay-tls-" });
  after(() => Deno.remove(directory, { recursive: true }));
  const openssl = async (...args: string[]) => {
    const { success, stderr } = await new Deno.Command("openssl", { args, cwd: directory })
      .output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  const read = (file: string) => Deno.readTextFileSync(`${directory}/${file}`);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
  await Deno.writeTextFile(`${directory}/names`, `subjectAltName=DNS:${name}`);
  await openssl("req", ...curve, "-nodes", "-keyout", "key", "-out", "csr", "-subj", `/CN=${name}`);
  const signing = ["-req", "-in", "csr", "-signkey", "key", "-extfile", "names", "-out", "cert"];
  await openssl("x509", ...signing, "-days", days);
  if (protocols) return await speaking(protocols, read("cert"), read("key"), after);
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", cert: read("cert"), key: read("key"), onListen() {} },
    () => new Response(null, { status: 404 }),
  );
  after(() => server.shutdown());
  return `https://localhost:${server.addr.port}`;
}

/** A server that takes these protocols, and says nothing in any. */
async function speaking(
  ALPNProtocols: string[],
  cert: string,
  key: string,
  after: Stage["after"],
): Promise<string> {
  const server = createServer({ ALPNProtocols, cert, key });
  server.on("tlsClientError", () => {}).listen(0, "127.0.0.1");
  after(() => server.close());
  await once(server, "listening");
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}

/** A port whose queue of connections is full, so that the system answers no more of them. */
async function full({ after }: Stage): Promise<string> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  after(() => listener.close());
  const { hostname, port } = listener.addr;
  for (let failed = 0; failed < 2;) {
    const signal = AbortSignal.timeout(QUEUED_MS);
    const queued = await Deno.connect({ hostname, port, signal }).catch(() => undefined);
    failed = queued ? 0 : failed + 1;
    if (queued) after(() => queued.close());
  }
  return `http://127.0.0.1:${port}`;
}

/** A place in the queue takes no time, unless the machine is busy: then it may, but not twice. */
const QUEUED_MS = 2_000;

/** Where no answer comes from. */
export const ADDRESS_SET_UPS: SetUp[] = [
  {
    name: "a name that does not resolve",
    expect: "name_unresolved",
    // Two questions to a name server that get lost take longer than the default.
    make: () => ["https://nothing.invalid", "--wait", "30"],
  },
  {
    name: "a port at which nothing listens",
    expect: "tcp_refused",
    make: () => [`http://127.0.0.1:${ownPort()}`],
  },
  {
    name: "an address to which no network of this machine leads",
    ...{ expect: "no_route", never: /Nothing listens/ },
    // A group of receivers, to which no connection is made.
    make: () => ["http://224.0.0.1:8000"],
  },
  {
    name: "a port that answers nothing, not even no",
    expect: "tcp_timeout",
    make: async (stage) => [await full(stage), "--wait", "0.3"],
  },
  {
    name: "a certificate that no authority signed",
    ...{ expect: "tls_chain", needs: "openssl" },
    make: async (stage) => [await https(stage, "localhost")],
  },
  {
    name: "a certificate for another name",
    ...{ expect: "tls_name", needs: "openssl" },
    make: async (stage) => [await https(stage, "other.example")],
  },
  {
    name: "a certificate that has expired",
    ...{ expect: "tls_expired", needs: "openssl" },
    make: async (stage) => [await https(stage, "localhost", "-1")],
  },
  {
    name: "a server that takes HTTP/2 alone, as it says by ALPN",
    ...{ expect: "http2_only", needs: "openssl" },
    make: async (stage) => [await https(stage, "localhost", "30", ["h2"])],
  },
  ...([["internal_error", 80], ["unrecognized_name", 112]] as const).map((
    [alert, code],
  ): SetUp => ({
    name: `a server of other names alone, which says ${alert}`,
    ...{ expect: "tls_no_certificate", never: /speaks TLS, and TLS 1\.2/ },
    make: ({ after }) => {
      // A fatal alert of TLS 1.2 (RFC 8446, 6).
      const { url, stop } = serveBytes(String.fromCharCode(0x15, 3, 3, 0, 2, 2, code));
      after(stop);
      return [url.replace("http:", "https:")];
    },
  })),
  {
    name: "https asked of a port that speaks http",
    expect: "tls_failed",
    make: ({ stack }) => [stack.info.API_URL.replace("http:", "https:")],
  },
];
