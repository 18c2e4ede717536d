import { createRequire, isBuiltin } from "node:module";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "esbuild";

/** What a package asks for and does well without: compiled helpers. */
const OPTIONAL = ["bufferutil", "utf-8-validate"];

/** Where Deno keeps the files of packages here. */
const CACHE = cacheOf(import.meta.resolve("ws"));

/** Bare names lead to the npm packages of this project, wherever Deno keeps them. */
export const npm: Plugin = {
  name: "npm",
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
      if (kind === "entry-point") return;
      if (isBuiltin(path) || OPTIONAL.includes(path)) return { path, external: true };
      const isOwn = !importer.startsWith(CACHE);
      return {
        path: isOwn
          ? fileURLToPath(import.meta.resolve(path))
          : createRequire(importer).resolve(path),
      };
    });
  },
};

/** The same text on any machine: packages are named by what they are, not by where they lie. */
export function withoutPlaces(text: string, folder: string): string {
  return text.replaceAll(relative(folder, CACHE), "npm");
}

function cacheOf(url: string): string {
  const path = fileURLToPath(url);
  return path.slice(0, path.indexOf("/ws/"));
}
