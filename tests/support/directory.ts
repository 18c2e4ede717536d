import { statfsSync } from "node:fs";

/** Linux keeps it in memory. */
const IN_MEMORY = "/dev/shm";
/** Far above what all tests that run at a time write. */
const ROOM_BYTES = 4 * 2 ** 30;

/** Most of what tests write are databases, made anew for each: in memory they cost a third. */
const dir = hasRoom(IN_MEMORY) ? IN_MEMORY : undefined;

function hasRoom(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize >= ROOM_BYTES;
  } catch {
    return false;
  }
}

/** A directory for a test, which removes it afterwards. */
export const makeDirectory = (): Promise<string> =>
  Deno.makeTempDir({ dir, prefix: "realtime-relay-test-" });

/** Runs `work` with a directory of its own, which is gone afterwards. */
export async function withDirectory(work: (directory: string) => Promise<void>) {
  const directory = await makeDirectory();
  try {
    await work(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
