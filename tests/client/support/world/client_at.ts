import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Client } from "./world.ts";

/** A client that is known to break its word, as it was built. */
export const OLD = fileURLToPath(new URL("fixture/client_2026_11.js", import.meta.url));

/** The client at a path, from where the process was started. */
export async function clientAt(path: string): Promise<Client> {
  return await import(pathToFileURL(resolve(path)).href);
}
