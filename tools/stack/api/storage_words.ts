/** Where @supabase/lite and storage-js, which supabase-js is made of, say the same in other words. */
import { Buffer } from "node:buffer";

/**
 * Asks `storage` what storage-js asks, and answers what it understands; 413 to a form of more than
 * `maxBytes`. Any other body breaks off there.
 */
export async function translated(
  request: Request,
  storage: (request: Request) => Promise<Response>,
  maxBytes = MAX_BYTES,
): Promise<Response> {
  const { method, url } = request;
  const question = await nameFile(bounded(request, maxBytes)).catch(() => undefined);
  if (!question) return tooLarge(maxBytes);
  const answer = await storage(question);
  const isSigned = method === "POST" && new URL(url).pathname.startsWith(`${BASE}/object/sign/`);
  return isSigned && answer.ok ? await nameUrls(answer) : answer;
}

const BASE = "/storage/v1";

/** Files are held in memory while they come: above what a project's own limit is likely to be. */
const MAX_BYTES = 256 * 1024 * 1024;

function tooLarge(maxBytes: number): Response {
  const message = `The local stack takes forms of up to ${maxBytes} bytes.`;
  return Response.json({ statusCode: "413", error: "Payload too large", message }, { status: 413 });
}

/** `request` with a body that breaks off where it grows too large. */
function bounded(request: Request, maxBytes: number): Request {
  if (!request.body) return request;
  let bytes = 0;
  const body = request.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.length;
        if (bytes <= maxBytes) controller.enqueue(chunk);
        else controller.error(new Error(`More than ${maxBytes} bytes`));
      },
    }),
  );
  return new Request(request, { body });
}

/**
 * `request` with the file that it uploads, if it does so in a form, where @supabase/lite looks:
 * supabase-js sends it in a field without a name, which Deno's reader of forms leaves out.
 */
async function nameFile(request: Request): Promise<Request> {
  if (!request.headers.get("content-type")?.startsWith("multipart/form-data")) return request;
  // One character a byte.
  const form = Buffer.from(await request.bytes()).toString("latin1");
  const named = form.replace('; name=""; filename=', '; name="file"; filename=');
  const headers = new Headers(request.headers);
  headers.delete("content-length");
  const body = Buffer.from(named, "latin1");
  return new Request(request.url, { method: request.method, headers, body });
}

interface Signed {
  signedUrl?: string;
}

/** storage-js looks for `signedURL`, and puts the address of Storage in front of it. */
async function nameUrls(answer: Response): Promise<Response> {
  const name = ({ signedUrl, ...rest }: Signed) => ({
    ...rest,
    signedURL: signedUrl ? signedUrl.replace(BASE, "") : null,
  });
  const told: Signed | Signed[] = await answer.json();
  return Response.json(Array.isArray(told) ? told.map(name) : name(told));
}
