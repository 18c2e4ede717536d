import { fileURLToPath } from "node:url";

/** The project's folder, with a slash at its end. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** What git does not track, or somebody else wrote. */
const ASIDE = new Set([".git", ".data", ".wrangler", "dist", "node_modules"]);

/** Paths of all files below a folder, relative to the project; "" is the project. */
export function files(folder: string): string[] {
  return [...Deno.readDirSync(ROOT + folder)].flatMap(({ name, isDirectory }) => {
    const path = folder ? `${folder}/${name}` : name;
    if (!isDirectory) return [path];
    return ASIDE.has(name) ? [] : files(path);
  }).toSorted();
}

/** The text of each TypeScript source below a folder, by its path. */
export function sources(folder: string): Map<string, string> {
  const paths = files(folder).filter((path) => path.endsWith(".ts"));
  return new Map(paths.map((path) => [path, Deno.readTextFileSync(ROOT + path)]));
}
