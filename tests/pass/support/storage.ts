/**
 * Stands in for Supabase Storage, of which the local stack has none: objects, parts of them, and
 * resumable uploads (tus 1.0.0), for whoever asks. `origin` is the project's own.
 */
export function createStorage(): (request: Request, origin: string) => Promise<Response> {
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  const uploads = new Map<string, { length: number; offset: number }>();

  async function object(request: Request, path: string): Promise<Response> {
    if (request.method === "POST") {
      objects.set(path, await bodyOf(request));
      return Response.json({ Id: crypto.randomUUID(), Key: `box/${path}` });
    }
    const found = objects.get(path);
    if (!found) return Response.json({ error: "not_found" }, { status: 404 });
    const headers = { "content-length": String(found.length), etag: '"1"' };
    if (request.method === "HEAD") return new Response(null, { headers });
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
    if (!range) return new Response(found, { headers });
    const [from, to] = range.slice(1).map(Number);
    return new Response(found.slice(from, to + 1), {
      status: 206,
      headers: { "content-range": `bytes ${from}-${to}/${found.length}` },
    });
  }

  function told(name: string): Response {
    const size = objects.get(name)?.length;
    return Response.json({ name, size }, { status: size === undefined ? 404 : 200 });
  }

  async function resumable(request: Request, origin: string, id: string): Promise<Response> {
    if (request.headers.get("tus-resumable") !== "1.0.0") {
      return new Response(null, { status: 412 });
    }
    if (request.method === "POST") {
      const made = crypto.randomUUID();
      uploads.set(made, { length: Number(request.headers.get("upload-length")), offset: 0 });
      // As Storage does: with the whole address.
      const location = `${origin}/storage/v1/upload/resumable/${made}`;
      return new Response(null, { status: 201, headers: { location } });
    }
    const upload = uploads.get(id);
    if (!upload) return new Response(null, { status: 404 });
    if (request.method === "PATCH") {
      const body = await bodyOf(request);
      if (Number(request.headers.get("upload-offset")) !== upload.offset) {
        return new Response(null, { status: 409 });
      }
      upload.offset += body.length;
    }
    const headers = { "upload-offset": String(upload.offset) };
    return new Response(null, { status: request.method === "PATCH" ? 204 : 200, headers });
  }

  return async (request, origin) => {
    if (request.method === "OPTIONS") return withCors(new Response(null));
    const path = new URL(request.url).pathname.replace("/storage/v1/", "");
    const [, id] = /^upload\/resumable\/?(.*)$/.exec(path) ?? [];
    if (id !== undefined) return withCors(await resumable(request, origin, id));
    const [, info, name] = /^object\/(info\/)?box\/(.*)$/.exec(path) ?? [];
    return withCors(info ? told(name) : await object(request, name));
  };
}

/** Of a form the last part, which is the file; it has no name, and so is none to formData(). */
async function bodyOf(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await request.bytes();
  const type = request.headers.get("content-type") ?? "";
  const [, boundary] = /^multipart\/form-data;.*boundary=([^;]+)/.exec(type) ?? [];
  if (!boundary) return bytes;
  const text = new TextDecoder("latin1").decode(bytes);
  const end = text.lastIndexOf(`\r\n--${boundary}--`);
  const head = text.lastIndexOf(`--${boundary}\r\n`, end);
  return bytes.slice(text.indexOf("\r\n\r\n", head) + 4, end);
}

function withCors(response: Response): Response {
  const { headers } = response;
  headers.set("access-control-allow-origin", "*");
  headers.set("access-control-allow-methods", "*");
  headers.set("access-control-expose-headers", "location, upload-offset, content-range");
  const asked = "authorization, apikey, range, tus-resumable, upload-length, upload-metadata, ";
  headers.set(
    "access-control-allow-headers",
    `${asked}upload-offset, content-type, x-client-info, x-upsert, cache-control`,
  );
  return response;
}
