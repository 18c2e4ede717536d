/**
 * Builds what npm and a page's sources take of the client: one ES module and its types, in
 * client/dist. Run by `deno task client`.
 */
import * as esbuild from "esbuild";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { minify } from "terser";
import ts from "typescript";

const CLIENT = fileURLToPath(new URL("../../client/", import.meta.url));

/** Browsers since 2022, Node 22 and Deno know all of it. */
const TARGET = "es2022";

/**
 * Properties of the inside: no frame, no option and nothing that the client uses of the platform is
 * called so. They get short names, and those are the same in all files.
 */
export const INSIDE = [
  ...[
    "acked",
    "active",
    "adopt",
    "again",
    "ask",
    "become",
    "bindings",
    "broadcasts",
    "bytes",
    "catchUps",
  ],
  ...["changeUser", "channels", "check", "clock", "closes", "consider", "considerSwitch", "dial"],
  ...[
    "doubt",
    "due",
    "fail",
    "failures",
    "figures",
    "flush",
    "freshen",
    "gap",
    "gone",
    "handshake",
  ],
  ...["held", "inBand", "isBusy", "isCut", "joined", "joinedAt", "keepMs", "known", "last"],
  ...["lastFrameAt", "later", "link", "live", "lose", "muted", "notice", "overlap"],
  ...["pending", "places", "poll", "prove", "provenAt", "queue", "ready", "refusal"],
  ...[
    "refuse",
    "refused",
    "replays",
    "reported",
    "seen",
    "session",
    "settle",
    "skew",
    "socket",
    "stop",
    "switch",
  ],
  ...["take", "tokenOf", "track"],
];

/** Builds into a folder. Returns the module's size in bytes, as it is and gzipped. */
export async function build(folder = `${CLIENT}dist/`): Promise<{ bytes: number; gzip: number }> {
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
  const { outputFiles: [bundle] } = await esbuild.build({
    entryPoints: [`${CLIENT}mod.ts`],
    bundle: true,
    format: "esm",
    legalComments: "none",
    mangleProps: new RegExp(`^(${INSIDE.join("|")})$`),
    minify: true,
    target: TARGET,
    write: false,
  }).finally(() => esbuild.stop());
  // Takes another thirtieth off: it looks across functions.
  const { code } = await minify(bundle.text, {
    module: true,
    ecma: 2020,
    compress: { passes: 3, unsafe_arrows: true },
  });
  const contents = new TextEncoder().encode(code);
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
