import { readdirSync, readFileSync } from "node:fs";
import type { Assets } from "./assets.ts";

/** Reads what init writes from the package's folder, as `deno task build` made it. */
export function loadAssets(home: URL): Assets {
  const read = (path: string) => readFileSync(new URL(path, home), "utf8");
  const filesIn = (folder: string): [name: string, text: string][] => {
    const names = readdirSync(new URL(`${folder}/`, home)).sort();
    return names.map((name) => [name, read(`${folder}/${name}`)]);
  };
  return {
    version: JSON.parse(read("package.json")).version,
    functionFiles: new Map(filesIn("function")),
    migrations: new Map(
      filesIn("migrations").map(([name, text]) => [name.replace(/\.sql$/, ""), text]),
    ),
    changelog: read("CHANGELOG.md"),
  };
}
