import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build, type Plugin, stop } from "esbuild";

const SITE = fileURLToPath(new URL("../../site/", import.meta.url));

/** Bare names lead to the npm packages of this project, wherever Deno keeps them. */
const npm: Plugin = {
  name: "npm",
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
      if (kind !== "entry-point") return { path: createRequire(importer).resolve(path) };
    });
  },
};

export interface BundleOptions {
  /** Packages that are left out, to measure what is the page's own. */
  external?: string[];
}

/** The page's script, in one file. Takes well under a second. */
export async function bundleScript({ external }: BundleOptions = {}): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${SITE}main.ts`],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    minify: true,
    legalComments: "none",
    external,
    plugins: external ? [] : [npm],
    logLevel: "silent",
  });
  // esbuild is a process of its own, which would keep this one alive.
  await stop();
  return outputFiles[0].text;
}

/** The page's styles, in one file. */
async function bundleStyle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${SITE}style.css`],
    bundle: true,
    write: false,
    minify: true,
    logLevel: "silent",
  });
  return outputFiles[0].text;
}

/** The page's files by name; index.html with `{{policy}}` where its policy belongs. */
export async function bundleSite(): Promise<Map<string, string>> {
  const read = (name: string) => Deno.readTextFile(SITE + name);
  // One after the other: the end of the second ends esbuild.
  const style = await bundleStyle();
  const [html, icon, script] = await Promise.all([
    ...["index.html", "icon.svg"].map(read),
    bundleScript(),
  ]);
  return new Map([
    ["index.html", html],
    ["style.css", style],
    ["icon.svg", icon],
    ["main.js", script],
  ]);
}
