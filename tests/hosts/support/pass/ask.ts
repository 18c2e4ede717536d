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

/** What comes for `text`, which need not be proper HTTP, up to `end`; the connection ends then. */
export async function say(address: string, text: string, end = /\r\n/): Promise<string> {
  const [hostname, port] = address.split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(text));
  let said = "";
  const bytes = new Uint8Array(10_000);
  while (!end.test(said)) {
    const length = await connection.read(bytes);
    if (length === null) break;
    said += new TextDecoder().decode(bytes.subarray(0, length));
  }
  return said;
}
