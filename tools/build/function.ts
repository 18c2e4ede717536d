import type { Plugin } from "esbuild";
import ts from "typescript";
import { stamp } from "../../packages/realtime-relay/init/stamp.ts";
import { VERSION } from "../../supabase/functions/relay/say/version.ts";
import { bundle } from "./bundle.ts";

/** For formatters and linters of the project that it is put into: a changed file is not renewed. */
const AS_IT_IS = "// deno-fmt-ignore-file deno-lint-ignore-file\n/* eslint-disable */\n";

const INDEX =
  `// The relay is in relay.js, whole. It is set by variables: supabase secrets set RELAY_…
import "./relay.js";
`;

/**
 * The relay as files of one Edge Function, by their names: a module that can be read, comments and
 * packages in it, and the small index.ts that the platform asks for. Both are stamped.
 */
export async function buildFunction(): Promise<Map<string, string>> {
  const text = await bundle("supabase/functions/relay/index.ts", {
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2022",
    plugins: [withComments],
  });
  return new Map([
    ["index.ts", stamp("//", VERSION, INDEX)],
    ["relay.js", stamp("//", VERSION, AS_IT_IS + restoreComments(text))],
  ]);
}

/**
 * esbuild keeps the comments of licenses alone: our own are made such, once TypeScript has dropped
 * its types and what is said of them.
 */
const withComments: Plugin = {
  name: "comments",
  setup({ onLoad }) {
    onLoad({ filter: /\/supabase\/functions\/relay\/.*\.ts$/ }, async ({ path }) => {
      const { outputText } = ts.transpileModule(await Deno.readTextFile(path), {
        fileName: path,
        compilerOptions: {
          target: ts.ScriptTarget.ES2022,
          module: ts.ModuleKind.ESNext,
          verbatimModuleSyntax: true,
        },
      });
      return {
        loader: "js",
        contents: outputText.replace(/^( *)(\/\*)\*|^( *)(\/\/)/gm, "$1$2$3$4!"),
      };
    });
  },
};

const restoreComments = (text: string): string =>
  text.replace(/^( *\/\*)!/gm, "$1*").replace(/^( *\/\/)!/gm, "$1");
