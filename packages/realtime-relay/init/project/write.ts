import {
  accessSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Problem } from "../../problem.ts";
import type { Change } from "../change.ts";

/**
 * Makes all changes or none: what may not be written is found before the first byte is, and what
 * fails nevertheless is taken back. Folders that have become empty go, `supabase/` itself excepted.
 */
export function writeChanges(folder: string, changes: readonly Change[]): void {
  const locked = changes.map(({ path }) => path).filter((path) => !isWritable(join(folder, path)));
  if (locked.length > 0) {
    throw new Problem(
      `Not writable: ${locked.join(", ")}. Nothing was changed. ` +
        "Let this user write there (chmod u+w), and run it again.",
    );
  }
  const begun: Change[] = [];
  try {
    for (const change of changes) {
      begun.push(change);
      put(folder, change.path, change.after);
    }
  } catch (error) {
    const stuck = begun.toReversed().filter((change) => !takeBack(folder, change));
    // A new file that could not be written was not, as a rule; one of before may have lost its text.
    const rest = stuck.filter(({ before }) => before !== undefined).map(({ path }) => path);
    throw new Problem(
      `${(error as Error).message}. What had been written was taken back` +
        `${rest.length > 0 ? `, but for ${rest.join(", ")}` : ""}.`,
    );
  }
}

/** False where that fails, too. */
function takeBack(folder: string, { path, before }: Change): boolean {
  try {
    put(folder, path, before);
    return true;
  } catch {
    return false;
  }
}

function put(folder: string, path: string, text: string | undefined): void {
  const file = join(folder, path);
  if (text !== undefined) {
    mkdirSync(dirname(file), { recursive: true });
    return writeFileSync(file, text);
  }
  rmSync(file, { force: true });
  for (let parent = dirname(path); parent.includes("/"); parent = dirname(parent)) {
    const place = join(folder, parent);
    // A link to an empty folder was there before.
    if (namesIn(place) !== 0 || lstatSync(place).isSymbolicLink()) break;
    rmdirSync(place);
  }
}

/** How many names are in a folder; undefined where there is none. */
function namesIn(folder: string): number | undefined {
  return statSync(folder, { throwIfNoEntry: false }) && readdirSync(folder).length;
}

/** Whether a file can be written, or, where it is not there yet, made. */
function isWritable(file: string): boolean {
  try {
    let place = file;
    while (!statSync(place, { throwIfNoEntry: false })) place = dirname(place);
    accessSync(place, constants.W_OK);
    return place === file || statSync(place).isDirectory();
  } catch {
    return false;
  }
}
