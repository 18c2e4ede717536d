import type { App } from "@supabase/lite";
import { createHash } from "node:crypto";
import { join } from "node:path";

type Adapter = NonNullable<App["_storageAdapter"]>;
type Upload = Parameters<Adapter["uploadObject"]>;

/** What is kept of a file besides its bytes. */
interface Kept {
  cacheControl: string;
  mimetype: string;
  eTag: string;
}

/**
 * Keeps what Storage stores below `directory`, for @supabase/lite, which judges who may. A file is
 * named by the hash of its bucket and key: what clients choose is never a path.
 */
export class StorageFiles implements Adapter {
  readonly driver = undefined;

  constructor(private readonly directory: string) {}

  async headObject(bucket: string, key: string) {
    const file = this.#path(bucket, key);
    const [{ size, mtime }, kept] = await Promise.all([Deno.stat(file), readKept(file)]);
    return { ...kept, size, contentLength: size, lastModified: mtime ?? undefined };
  }

  async getObject(bucket: string, key: string) {
    const bytes = await Deno.readFile(this.#path(bucket, key));
    const metadata = await this.headObject(bucket, key);
    return { httpStatusCode: 200, metadata, body: new Blob([bytes]) };
  }

  async uploadObject(...[bucket, key, , body, mimetype, cacheControl]: Upload) {
    const bytes = await bytesOf(body);
    const eTag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`;
    const kept: Kept = { cacheControl, mimetype, eTag };
    await Deno.mkdir(this.directory, { recursive: true });
    await Deno.writeFile(this.#path(bucket, key), bytes);
    await Deno.writeTextFile(keptOf(this.#path(bucket, key)), JSON.stringify(kept));
    return await this.headObject(bucket, key);
  }

  async copyObject(...[bucket, key, , toBucket, toKey]: Parameters<Adapter["copyObject"]>) {
    const [from, to] = [this.#path(bucket, key), this.#path(toBucket, toKey)];
    await Deno.copyFile(from, to);
    await Deno.copyFile(keptOf(from), keptOf(to));
    const { eTag, lastModified } = await this.headObject(toBucket, toKey);
    return { httpStatusCode: 200, eTag, lastModified };
  }

  async deleteObject(bucket: string, key: string) {
    const file = this.#path(bucket, key);
    for (const path of [file, keptOf(file)]) await Deno.remove(path).catch(ignoreMissing);
  }

  async deleteObjects(bucket: string, keys: string[]) {
    for (const key of keys) await this.deleteObject(bucket, key);
  }

  /** For what transforms images from an address, which nothing here does. */
  privateAssetUrl(): Promise<string> {
    return Promise.reject(new Error("Files have no address of their own here."));
  }

  #path(bucket: string, key: string): string {
    const hash = createHash("sha256").update(JSON.stringify([bucket, key])).digest("hex");
    return join(this.directory, hash);
  }
}

const keptOf = (file: string) => `${file}.json`;

async function readKept(file: string): Promise<Kept> {
  return JSON.parse(await Deno.readTextFile(keptOf(file)));
}

/** The library takes a stream, or bytes. */
async function bytesOf(body: unknown): Promise<Uint8Array<ArrayBuffer>> {
  return await new Response(body as BodyInit).bytes();
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
