import { readFileSync } from "node:fs";
import { init } from "../../../packages/realtime-relay/commands/init.ts";
import { remove } from "../../../packages/realtime-relay/commands/remove.ts";
import { stamp } from "../../../packages/realtime-relay/init/stamp.ts";
import { VERSION } from "../../../supabase/functions/relay/say/version.ts";
import { withDirectory } from "../../support/directory.ts";
import { makeLight, put } from "./light.ts";

/** What a command did: its exit code, and all that it said. */
interface Said {
  code: number;
  text: string;
}

/** A folder with a project in it, and a package of one's own to run init from. */
export interface Stage {
  folder: string;
  write(path: string, text: string): Promise<void>;
  read(path: string): string;
  /** Every file with its bytes, as text where each byte is a character. */
  bytes(): Record<string, string>;
  init(args?: string[], from?: string): Promise<Said>;
  remove(args?: string[], from?: string): Promise<Said>;
  /** Makes the package one of another version, whose function says so. */
  release(version: string, changelog?: string): Promise<void>;
  /** Makes a migration of the package another text. */
  changeMigration(name: string, text: string): Promise<void>;
}

/** At which everything is done here. */
export const NOW = new Date("2026-12-24T18:00:00Z");

/** Runs a test in a project with these files, by their paths. */
export async function inProject(
  texts: Record<string, string>,
  test: (stage: Stage) => Promise<void>,
): Promise<void> {
  await withDirectory(async (place) => {
    const stage = makeStage(`${place}/my app`, `${place}/package`);
    await Deno.mkdir(stage.folder);
    for (const [path, text] of Object.entries(texts)) await stage.write(path, text);
    await stage.release(VERSION);
    await test(stage);
  });
}

function makeStage(folder: string, home: string): Stage {
  const run = async (command: typeof init, args: string[], from = "") => {
    const said: string[] = [];
    const world = {
      cwd: `${folder}/${from}`,
      home: new URL(`file://${home}/`),
      now: NOW,
      out: (text: string) => void said.push(text),
    };
    const code = await command.run(args, world);
    return { code, text: said.join("\n").replaceAll(folder, "FOLDER") };
  };
  return {
    folder,
    write: (path, text) => put(`${folder}/${path}`, text),
    read: (path) => readFileSync(`${folder}/${path}`, "utf8"),
    bytes: () =>
      Object.fromEntries(walk(folder).map((path) => [path, latin1(`${folder}/${path}`)])),
    init: (args = [], from) => run(init, args, from),
    remove: (args = [], from) => run(remove, args, from),
    changeMigration: (name, text) =>
      put(`${home}/migrations/${name}.sql`, stamp("--", "0.2.0", text)),
    release: (version, changelog) => makeLight(home, version, changelog),
  };
}

function walk(folder: string, below = ""): string[] {
  return [...Deno.readDirSync(folder + "/" + below)].flatMap(({ name, isDirectory }) => {
    const path = below ? `${below}/${name}` : name;
    return isDirectory ? walk(folder, path) : [path];
  }).sort();
}

const latin1 = (file: string): string => readFileSync(file, "latin1");
