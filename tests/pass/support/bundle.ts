import { fileURLToPath } from "node:url";
import { build, stop } from "esbuild";
import { npm } from "../../../tools/build/npm.ts";

/** The app for Node or for a browser, as one script. */
export async function bundle(name: "node" | "page"): Promise<string> {
  const { outputFiles: [{ text }] } = await build({
    entryPoints: [fileURLToPath(new URL(`app/${name}.ts`, import.meta.url))],
    bundle: true,
    write: false,
    platform: name === "node" ? "node" : "browser",
    format: name === "node" ? "cjs" : "iife",
    plugins: [npm],
    logLevel: "error",
  });
  await stop();
  return text;
}
