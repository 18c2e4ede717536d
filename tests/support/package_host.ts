import { LONG } from "./long.ts";
import { type Host, hosts } from "./relay_host.ts";

const [, oldest] = hosts;

/** Why it is not there, for the names of tests; empty where it is. */
export const packageMissing = !LONG
  ? " (ignored: a full count)"
  : oldest.deno
  ? ""
  : " (skipped: npx cannot get deno@2.1.4)";

/** The function as init writes it, with nothing beside it, on what Edge Runtime follows. */
export const packageHost: Host = {
  name: "The npm package's function on Deno 2.1.4",
  deno: undefined,
  env: oldest.env,
  instead: packageMissing ? undefined : [
    oldest.deno!,
    ...["run", "--quiet", "--no-lock", "--no-config", "--allow-net", "--allow-env"],
    await writeFunction(),
  ],
};

/** Returns the path of its index.ts, which is there until this process ends. */
export async function writeFunction(): Promise<string> {
  // TypeScript comes along, which takes half a second.
  const { buildFunction } = await import("../../tools/build/function.ts");
  const folder = await Deno.makeTempDir({ prefix: "relay-function-" });
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  for (const [name, text] of await buildFunction()) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  return `${folder}/index.ts`;
}
