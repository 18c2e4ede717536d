/**
 * Builds what npm and a page's sources take of the client: one ES module and its types, in
 * client/dist. Run by `deno task client`.
 */
import * as esbuild from "esbuild";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import ts from "typescript";

const CLIENT = fileURLToPath(new URL("../../client/", import.meta.url));

/** Browsers since 2022, Node 22 and Deno know all of it. */
const TARGET = "es2022";

/** Builds into a folder. Returns the module's size in bytes, as it is and gzipped. */
export async function build(folder = `${CLIENT}dist/`): Promise<{ bytes: number; gzip: number }> {
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
  const { outputFiles: [{ contents }] } = await esbuild.build({
    entryPoints: [`${CLIENT}mod.ts`],
    bundle: true,
    format: "esm",
    legalComments: "none",
    minify: true,
    target: TARGET,
    write: false,
  }).finally(() => esbuild.stop());
  await Deno.writeFile(`${folder}mod.js`, contents);
  await writeTypes(folder);
  return { bytes: contents.length, gzip: gzipSync(contents, { level: 9 }).length };
}

/** Writes the declarations of the contract and of what it names, and no others. */
async function writeTypes(folder: string): Promise<void> {
  const waiting = ["mod"];
  for (const name of waiting) {
    const source = await Deno.readTextFile(`${CLIENT}${name}.ts`);
    const { outputText, diagnostics } = ts.transpileDeclaration(source, {
      fileName: `${name}.ts`,
      compilerOptions: { isolatedDeclarations: true },
    });
    if (diagnostics?.length) {
      throw new Error(`${name}.ts: ${ts.formatDiagnostics(diagnostics, FORMAT)}`);
    }
    const text = outputText.replaceAll(/(from "\.\/\w+)\.ts"/g, '$1.js"');
    for (const [, other] of text.matchAll(/from "\.\/(\w+)\.js"/g)) {
      if (!waiting.includes(other)) waiting.push(other);
    }
    await Deno.writeTextFile(`${folder}${name}.d.ts`, text);
  }
}

const FORMAT: ts.FormatDiagnosticsHost = {
  getCurrentDirectory: () => CLIENT,
  getCanonicalFileName: (name) => name,
  getNewLine: () => "\n",
};

if (import.meta.main) {
  const { bytes, gzip } = await build();
  console.log(`client/dist/mod.js: ${bytes} bytes, ${gzip} gzipped`);
}
