import { readdirSync } from "node:fs";
import type { BuildOptions, Plugin } from "esbuild";
import { bundle, PROGRAM, ROOT, writeProgram } from "./bundle.ts";

/** Where `deno task build` writes the doctor for Node, from the project's folder. */
export const NODE_DOCTOR = "dist/node/doctor.cjs";

/** The list of migrations itself, in the place of the source that reads their folder. */
const migrations: Plugin = {
  name: "migrations",
  setup({ onLoad }) {
    onLoad({ filter: /\/doctor\/probe\/database\/migrations\.ts$/ }, () => {
      const versions = readdirSync(`${ROOT}supabase/migrations`).map((name) => name.split("_")[0]);
      return { contents: `export const MIGRATIONS = ${JSON.stringify(versions.sort())};` };
    });
  },
};

const ENTRY = "tools/doctor/main.ts";

/** What Node 20 lacks comes with it. */
const OPTIONS: BuildOptions = {
  inject: [`${ROOT}deploy/node/fill.ts`],
  plugins: [migrations],
};

/** Writes the doctor for Node, which is given its arguments as `deno task doctor` is. Returns its path. */
export const buildDoctor = (file = ROOT + NODE_DOCTOR): Promise<string> =>
  writeProgram(ENTRY, file, OPTIONS);

/** The same as text, for the package. */
export const bundleDoctor = (): Promise<string> => bundle(ENTRY, { ...PROGRAM, ...OPTIONS });
