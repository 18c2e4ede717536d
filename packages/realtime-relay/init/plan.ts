import { Problem } from "../problem.ts";
import type { Assets } from "./assets.ts";
import { emptyPlan, type Plan } from "./change.ts";
import { beforeYouUpgrade } from "./changelog.ts";
import { closeRelay } from "./config/close.ts";
import { openRelay } from "./config/open.ts";
import { otherEntrypoint, parseConfig } from "./config/parse.ts";
import { planFunction, planFunctionAway } from "./function/plan.ts";
import type { Choice } from "./migrations/choices.ts";
import { planMigrations, planMigrationsAway } from "./migrations/plan.ts";
import { CONFIG, IGNORED, type Project } from "./project/read.ts";
import { compareVersions, readStamp, stamp } from "./stamp.ts";

export interface InitOptions {
  choices: ReadonlySet<Choice>;
  /** Also overwrites what somebody changed. */
  force: boolean;
  /** What a new config.toml calls the project. */
  name: string;
  now: Date;
}

/** Plans to put the relay into a project, or to renew it. Throws a Problem where that cannot be. */
export function planInit(project: Project, assets: Assets, options: InitOptions): Plan {
  const plan = emptyPlan();
  const before = project.texts.get(CONFIG);
  const config = parseConfig(before ?? "");
  const importMap = config.functions?.relay?.import_map;
  const from = planFunction(plan, project, assets, {
    force: options.force,
    entrypoint: otherEntrypoint(config),
    importMap: typeof importMap === "string" && /(^|\/)relay\/deno\.json$/.test(importMap),
  });
  if (before === undefined) planProject(plan, project, assets.version, options.name);
  else if (openRelay(before) !== before) {
    plan.changes.push({ path: CONFIG, before, after: openRelay(before) });
  }
  planMigrations(plan, project, assets, options.choices, options.now);
  if (from && compareVersions(from, assets.version) < 0) {
    plan.notes.push(
      `From ${from} to ${assets.version}. What changes in behaviour:`,
      ...beforeYouUpgrade(assets.changelog, from),
    );
  }
  return plan;
}

/** What the CLI and the local stack keep in `supabase/`, keys among it. */
const KEPT_THERE = ".branches\n.temp\n.env*\n";

/** Plans what makes a folder a project. */
function planProject(plan: Plan, { texts }: Project, version: string, name: string): void {
  const config = openRelay(`project_id = "${name}"\n`);
  plan.changes.push({ path: CONFIG, after: stamp("#", version, config) });
  if (texts.has(IGNORED)) return;
  plan.changes.push({ path: IGNORED, after: stamp("#", version, KEPT_THERE) });
}

export interface RemoveOptions {
  /** Also removes what somebody changed. */
  force: boolean;
  /** No database has the migrations: their files go too. */
  neverPushed: boolean;
  now: Date;
}

/**
 * Plans to take it out again: what is as it was written goes, every other byte stays. What made the
 * folder a project goes with the last file in it.
 */
export function planRemove(project: Project, assets: Assets, options: RemoveOptions): Plan {
  const plan = emptyPlan();
  planFunctionAway(plan, project, assets, options.force);
  if (plan.changes.length > 0) {
    plan.notes.push("What was deployed stays until: supabase functions delete relay");
  }
  planMigrationsAway(plan, project, assets.version, options);
  const before = project.texts.get(CONFIG);
  // A function that stays needs its table.
  if (before === undefined || plan.left.length > 0) return plan;
  const closed = closeRelay(before);
  const isOurs = isAsBegun(closed) && !staysMore(plan, project);
  const after = isOurs ? undefined : closed;
  if (after !== before) plan.changes.push({ path: CONFIG, before, after });
  const ignored = project.texts.get(IGNORED);
  if (isOurs && ignored !== undefined && readStamp(ignored)?.unchanged) {
    plan.changes.push({ path: IGNORED, before: ignored });
  }
  return plan;
}

/** Whether init made this config.toml, which is without its table here, and nobody changed it since. */
function isAsBegun(closed: string): boolean {
  try {
    return readStamp(openRelay(closed))?.unchanged ?? false;
  } catch (error) {
    // It cannot be added to, so it is somebody's.
    if (error instanceof Problem) return false;
    throw error;
  }
}

/** Whether files stay that are a project's: they need its config.toml, and git is to pass over keys. */
function staysMore({ changes }: Plan, { texts, hasMore }: Project): boolean {
  const gone = new Set([CONFIG, IGNORED, ...changes.map(({ path }) => path)]);
  return hasMore || [...texts.keys()].some((path) => !gone.has(path));
}
