import type { Assets } from "../assets.ts";
import { type Plan } from "../change.ts";
import { FUNCTION, type Project } from "../project/read.ts";
import { compareVersions, hashOfRest, readStamp, type Stamp } from "../stamp.ts";
import { Problem } from "../../problem.ts";

/** An import map for a config.toml that names one: the function has its packages inside. */
const IMPORT_MAP = '{ "imports": {} }\n';

/**
 * Plans the function's files: adds what is missing, renews what is as an earlier version wrote it,
 * leaves what somebody changed. Throws a Problem where another function has the name, or a newer
 * version wrote it. Returns the version that was there.
 */
export function planFunction(
  plan: Plan,
  { texts }: Project,
  { version, functionFiles }: Assets,
  { force, entrypoint, importMap }: { force: boolean; entrypoint?: string; importMap: boolean },
): string | undefined {
  // Opened to everybody would be theirs.
  if (entrypoint !== undefined && !texts.has(`${FUNCTION}/index.ts`) && !force) {
    throw new Problem(ownFunction(`, by the entrypoint ${entrypoint}`));
  }
  const stamps = new Map<string, Stamp>();
  for (const [name, after] of functionFiles) {
    const path = `${FUNCTION}/${name}`;
    const before = texts.get(path);
    if (before === undefined) {
      plan.changes.push({ path, after });
      continue;
    }
    const stamp = readStamp(before);
    if (stamp) stamps.set(path, stamp);
    else if (!force) throw new Problem(someoneElses(texts));
    if (stamp && !force) refuseOlder(path, stamp, version);
    if (hashOfRest(before) === hashOfRest(after) && stamp?.version === version) continue;
    if (stamp?.unchanged) plan.changes.push({ path, before, after });
    else (force ? plan.changes : plan.left).push({ path, before, after, overwrites: true });
  }
  const map = `${FUNCTION}/deno.json`;
  if (importMap && !texts.has(map)) plan.changes.push({ path: map, after: IMPORT_MAP });
  return [...stamps.values()].map((stamp) => stamp.version).sort(compareVersions)[0];
}

/** Plans to take them out, but what somebody changed, which `force` takes too. */
export function planFunctionAway(
  plan: Plan,
  { texts }: Project,
  { functionFiles }: Assets,
  force: boolean,
): void {
  for (const name of functionFiles.keys()) {
    const path = `${FUNCTION}/${name}`;
    const before = texts.get(path);
    const stamp = before !== undefined && readStamp(before);
    if (!stamp) continue;
    if (stamp.unchanged) plan.changes.push({ path, before });
    else (force ? plan.changes : plan.left).push({ path, before, overwrites: true });
  }
  const map = `${FUNCTION}/deno.json`;
  if (plan.left.length === 0 && texts.get(map) === IMPORT_MAP && plan.changes.length > 0) {
    plan.changes.push({ path: map, before: IMPORT_MAP });
  }
}

function refuseOlder(path: string, stamp: Stamp, version: string): void {
  if (compareVersions(version, stamp.version) >= 0) return;
  throw new Problem(
    `${path} is of version ${stamp.version}, newer than this one (${version}). ` +
      "Take the newest: npx realtime-relay@latest init. --force goes back to this one.",
  );
}

function someoneElses(texts: Project["texts"]): string {
  if (texts.has(`${FUNCTION}/relay.ts`)) {
    return `${FUNCTION} holds the relay's sources, copied by hand. Move that folder away and run ` +
      "init again: two files take its place, and later versions find them.";
  }
  return ownFunction("");
}

const ownFunction = (how: string): string =>
  `${FUNCTION} is a function of your own${how}. The relay's has to have this name, since its clients ` +
  "ask for …/relay: rename yours, and run it again. --force overwrites its index.ts.";
