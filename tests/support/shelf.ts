import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Where tests keep what is dear to find or to make, for those after them. In the system's own
 * directory, since what lies in memory would stay there.
 */
export const SHELF = join(tmpdir(), `realtime-relay-tests-${Deno.uid()}`);

/** It lies where every user may put something, and what is in it is trusted. */
export async function prepareShelf(shelf = SHELF): Promise<void> {
  await Deno.mkdir(shelf, { recursive: true, mode: 0o700 });
  const { isDirectory, uid } = await Deno.lstat(shelf);
  if (!isDirectory || uid !== Deno.uid()) throw new Error(`${shelf} belongs to another user.`);
}

/** The path of a program, as `find` gave it to whoever asked first, while it is there. */
export async function knownPath(
  name: string,
  find: () => Promise<string | undefined>,
  shelf = SHELF,
): Promise<string | undefined> {
  await prepareShelf(shelf);
  const note = join(shelf, `${name}.path`);
  const known = await Deno.readTextFile(note).catch(() => "");
  const file = await Deno.stat(known).catch(() => undefined);
  if (file?.isFile) return known;
  const found = await find();
  if (found) await Deno.writeTextFile(note, found);
  return found;
}
