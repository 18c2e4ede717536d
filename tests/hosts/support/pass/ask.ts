import { request } from "node:http";

/** An answer as it came, and nothing decoded. */
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Uint8Array;
  /** The pieces in which the body came, as text. */
  pieces: string[];
}

export interface Asking {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

/** Asks `127.0.0.1:<port>`, for a path that nobody resolves on the way. */
export function ask(
  address: string,
  path: string,
  { method = "GET", headers = {}, body }: Asking = {},
): Promise<Answer> {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const asking = request({ host, port, path, method, headers, agent: false }, (answer) => {
      const pieces: Uint8Array[] = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("end", () => {
        const { statusCode: status = 0, headers } = answer;
        const whole = new Uint8Array(pieces.reduce((n, { length }) => n + length, 0));
        let at = 0;
        for (const piece of pieces) whole.set(piece, at), at += piece.length;
        const texts = pieces.map((piece) => new TextDecoder().decode(piece));
        resolve({ status, headers, body: whole, pieces: texts });
      });
      answer.on("error", reject);
    });
    asking.on("error", reject);
    asking.end(body);
  });
}

export const textOf = ({ body }: Answer): string => new TextDecoder().decode(body);

/** How the answer to `text` begins, which need not be proper HTTP; the connection ends then. */
export async function say(address: string, text: string): Promise<string> {
  const [hostname, port] = address.split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(text));
  const bytes = new Uint8Array(1_000);
  const length = await connection.read(bytes);
  return new TextDecoder().decode(bytes.subarray(0, length ?? 0));
}
