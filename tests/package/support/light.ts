import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { stamp } from "../../../packages/realtime-relay/init/stamp.ts";
import { files, ROOT } from "../../house/support/tree.ts";

/** Writes a file, and the folders that it lies in. */
export async function put(file: string, text: string): Promise<void> {
  await Deno.mkdir(dirname(file), { recursive: true });
  await Deno.writeTextFile(file, text);
}

/** A package of some version that init can be run from: a function of one line, the real migrations. */
export async function makeLight(home: string, version: string, changelog = ""): Promise<void> {
  await put(`${home}/package.json`, JSON.stringify({ type: "module", version }));
  await put(`${home}/CHANGELOG.md`, changelog);
  await put(`${home}/function/index.ts`, stamp("//", version, 'import "./relay.js";\n'));
  await put(`${home}/function/relay.js`, stamp("//", version, `// The relay ${version}.\n`));
  for (const file of files("supabase/migrations")) {
    const name = file.replace(/^.*\/\d+_/, "");
    await put(
      `${home}/migrations/${name}`,
      stamp("--", version, readFileSync(ROOT + file, "utf8")),
    );
  }
}
