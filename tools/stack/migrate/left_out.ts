import { join } from "node:path";
import type { LeftOut } from "./tell.ts";

/** What the database lacks, kept next to it: a later start has nothing to leave out any more. */
const FILE = "left_out.json";

/** Adds `news` to what was left out before, and gives all of it. */
export async function keepLeftOut(dataDir: string, news: LeftOut[]): Promise<LeftOut[]> {
  const path = join(dataDir, FILE);
  const before = await Deno.readTextFile(path).then(JSON.parse).catch(() => []) as LeftOut[];
  const all = [...before, ...news];
  if (news.length > 0) await Deno.writeTextFile(path, JSON.stringify(all, null, 2) + "\n");
  return all;
}
