import { join, relative, sep } from "node:path";

/** Editors write a file in several steps, and tools many files at once. */
const QUIET_MS = 200;

/**
 * Calls `changed` with the names of the functions whose own folder below `directory` changed, or with
 * undefined if something changed that any of them may use. Gives what ends that; where the system
 * lets nobody watch, nothing is called.
 */
export function watchFunctions(
  directory: string,
  names: string[],
  changed: (names: string[] | undefined) => void,
): () => void {
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs([directory, ...foldersBehindLinks(directory, names)]);
  } catch {
    return () => {};
  }
  let touched = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const settle = () => {
    const all = [...touched];
    touched = new Set();
    changed(all.every((name) => names.includes(name)) ? all : undefined);
  };
  const read = async () => {
    for await (const { kind, paths } of watcher) {
      if (kind === "access" || kind === "other") continue;
      for (const path of paths) touched.add(relative(directory, path).split(/[\\/]/)[0]);
      clearTimeout(timer);
      timer = setTimeout(settle, QUIET_MS);
    }
  };
  // The folder itself may go away.
  read().catch(() => {});
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}

/** Where the functions lie whose folder below `directory` is a link, which no watcher follows. */
function foldersBehindLinks(directory: string, names: string[]): string[] {
  return names.flatMap((name) => {
    try {
      const folder = Deno.realPathSync(join(directory, name));
      return folder.startsWith(directory + sep) ? [] : [folder];
    } catch {
      // Its entrypoint is elsewhere.
      return [];
    }
  });
}
