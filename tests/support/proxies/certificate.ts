import { join } from "node:path";

/** A self-signed certificate for localhost. */
export interface Certificate {
  /** Paths of the certificate, of its key, and of both in one file. */
  cert: string;
  key: string;
  both: string;
  /** The certificate itself. */
  pem: string;
}

/** Makes a certificate that is good for a day. Needs openssl. */
export async function makeCertificate(directory: string): Promise<Certificate> {
  const [cert, key, both] = ["cert.pem", "key.pem", "both.pem"].map((name) =>
    join(directory, name)
  );
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
      // As an authority it could not be a server's own certificate too.
      ...["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", cert],
    ],
    stdout: "null",
  }).output();
  if (!success) throw new Error(`openssl: ${new TextDecoder().decode(stderr)}`);
  const pem = await Deno.readTextFile(cert);
  await Deno.writeTextFile(both, pem + await Deno.readTextFile(key));
  return { cert, key, both, pem };
}

/** Has fetch() and WebSocket of this test file accept `pem` beside all that they accept otherwise. */
export function trust(pem: string): void {
  const client = Deno.createHttpClient({ caCerts: [pem] });
  const { fetch: plain, WebSocket: Plain } = globalThis;
  globalThis.fetch = (input, init) => plain(input, { ...init, client });
  globalThis.WebSocket = class extends Plain {
    constructor(url: string | URL, options: string | string[] | object = {}) {
      const more = Array.isArray(options) || typeof options === "string"
        ? { protocols: options }
        : options;
      // Deno's own form, which has headers too.
      super(url, { ...more, client } as unknown as string[]);
    }
  };
}
