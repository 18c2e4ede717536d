import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type BuildOptions, type OutputFile, stop } from "esbuild";
import { npm, withoutPlaces } from "./npm.ts";

/** The project's folder, with a slash at its end. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** ES modules have no `require`, which packages inside of them may call for Node's own. */
const REQUIRE = `import { createRequire } from "node:module";
const require = createRequire(import.meta.url);`;

/** A program for Node 20 and newer. */
export const PROGRAM: BuildOptions = { platform: "node", target: "node20", format: "cjs" };

/**
 * One file that can be read, with its packages in it, of an entry point below the project's folder.
 * The same sources make the same text on any machine.
 */
export async function bundle(entry: string, options: BuildOptions): Promise<string> {
  const [{ text }] = await made(entry, options);
  return withoutPlaces(text, ROOT);
}

/** The same for Node 20 and newer, as a module. */
export const bundleForNode = (entry: string): Promise<string> =>
  bundle(entry, { platform: "node", target: "node20", banner: { js: REQUIRE } });

/** Writes a program for Node 20 and newer, and its source map beside it. Returns the file's path. */
export async function writeProgram(
  entry: string,
  file: string,
  options: BuildOptions = {},
): Promise<string> {
  const map: BuildOptions = { outfile: file, sourcemap: "linked", sourcesContent: false };
  const folder = dirname(file);
  await Deno.mkdir(folder, { recursive: true });
  for (const { path, text } of await made(entry, { ...PROGRAM, ...map, ...options })) {
    // Comments name files from the working directory, the map from its own.
    const from = path === file ? ROOT : folder;
    await Deno.writeTextFile(path, withoutPlaces(text, from));
  }
  return file;
}

/** The build before this one. */
let last: Promise<unknown> = Promise.resolve();

/** One after the other: who is ready ends esbuild, and would end it for others too. */
function made(entry: string, options: BuildOptions): Promise<OutputFile[]> {
  const files = last.then(() => make(entry, options));
  last = files.catch(() => {});
  return files;
}

async function make(entry: string, options: BuildOptions): Promise<OutputFile[]> {
  const { outputFiles } = await build({
    bundle: true,
    format: "esm",
    charset: "utf8",
    legalComments: "inline",
    logLevel: "warning",
    ...options,
    entryPoints: [ROOT + entry],
    absWorkingDir: ROOT,
    plugins: [...options.plugins ?? [], npm],
    write: false,
  });
  // esbuild is a process of its own, which would keep this one alive.
  await stop();
  return outputFiles!;
}
