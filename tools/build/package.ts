import { dirname } from "node:path";
import { stamp } from "../../packages/realtime-relay/init/stamp.ts";
import { VERSION } from "../../supabase/functions/relay/say/version.ts";
import { build as buildClient } from "../client/build.ts";
import { bundle, bundleForNode, PROGRAM, ROOT } from "./bundle.ts";
import { bundleDoctor } from "./doctor.ts";
import { buildFunction } from "./function.ts";
import { stackFiles } from "./stack.ts";

/** Where `deno task build` makes the npm package, from the project's folder. */
export const PACKAGE = "dist/npm/realtime-relay";

const SOURCE = "packages/realtime-relay";

/**
 * Makes the npm package, byte for byte the same from the same sources. What was in the folder before
 * is gone. Returns the folder.
 */
export async function buildPackage(folder = ROOT + PACKAGE): Promise<string> {
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  const put = async (path: string, text: string) => {
    await Deno.mkdir(dirname(`${folder}/${path}`), { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}`, text);
  };
  await put(
    "bin/realtime-relay.js",
    `#!/usr/bin/env node\n${await bundleForNode(`${SOURCE}/main.ts`)}`,
  );
  // npm does so too, but where it is run from this folder.
  await Deno.chmod(`${folder}/bin/realtime-relay.js`, 0o755);
  await put("bin/doctor.cjs", await bundleDoctor());
  await put("bin/relay.cjs", await buildServer());
  await buildClient(`${folder}/client/`);
  for (const [name, text] of await buildFunction()) await put(`function/${name}`, text);
  for (const [name, text] of migrations()) await put(`migrations/${name}.sql`, text);
  for (const [path, text] of stackFiles()) await put(`stack/${path}`, text);
  const { name, ...rest } = JSON.parse(read(`${SOURCE}/package.json`));
  await put("package.json", `${JSON.stringify({ name, version: VERSION, ...rest }, null, 2)}\n`);
  await put("README.md", read(`${SOURCE}/README.md`));
  for (const file of ["LICENSE", "CHANGELOG.md"]) await put(file, read(file));
  return folder;
}

/** The relay for Node; without its map, which leads to sources that the package has not. */
const buildServer = (): Promise<string> => bundle("deploy/node/main.ts", PROGRAM);

/** The migrations by their names without numbers, stamped: a project numbers them behind its own. */
function migrations(): [name: string, text: string][] {
  const folder = "supabase/migrations";
  const files = [...Deno.readDirSync(`${ROOT}${folder}`)].map(({ name }) => name).sort();
  return files.map((file) => [
    file.replace(/^\d+_|\.sql$/g, ""),
    stamp("--", VERSION, read(`${folder}/${file}`)),
  ]);
}

const read = (path: string): string => Deno.readTextFileSync(ROOT + path);
