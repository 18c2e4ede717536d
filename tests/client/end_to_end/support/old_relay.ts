import { fileURLToPath } from "node:url";
import type { StartOptions } from "../../../support/relay_host.ts";

/** The function with its packages, as it was built in November 2026: it knows realtime-relay.v1. */
const BUILT = new URL("fixture/relay_2026_11.js.gz", import.meta.url);

/** What the migrations of late November 2026 brought, taken away. */
export const MIGRATIONS_OF_BEFORE = `
  drop schema relay cascade;
  drop function public.missed_messages;
`;

/** Runs `work` with what starts that relay; nothing is left of it afterwards. */
export async function withOldRelay<R>(work: (old: StartOptions) => Promise<R>): Promise<R> {
  const folder = await Deno.makeTempDir();
  const entry = `${folder}/relay.js`;
  try {
    using packed = await Deno.open(fileURLToPath(BUILT));
    const text = packed.readable.pipeThrough(new DecompressionStream("gzip"));
    await Deno.writeFile(entry, text);
    return await work({ entry: [entry] });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
