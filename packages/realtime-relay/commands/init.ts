import { basename } from "node:path";
import { parseConfig } from "../init/config/parse.ts";
import { loadAssets } from "../init/load.ts";
import { readChoices } from "../init/migrations/choices.ts";
import { readFacts } from "../init/next/facts.ts";
import { aboutVersion, snippet } from "../init/next/snippet.ts";
import { hints, nextSteps } from "../init/next/steps.ts";
import { planInit } from "../init/plan.ts";
import { findProject } from "../init/project/find.ts";
import { CONFIG, MIGRATIONS, type Project, readProject } from "../init/project/read.ts";
import { writeChanges } from "../init/project/write.ts";
import { diffsOf, indented, listOf } from "../init/show.ts";
import type { Plan } from "../init/change.ts";
import type { Command, World } from "./command.ts";
import { readOptions } from "./options.ts";

const HELP = `Puts the relay into the Supabase project in this folder, or renews it there.

realtime-relay init [options]

  --with LIST    also adds migrations: history (what was missed can be read again), revoke (sockets
                 end with their session; brings history), demo (short links that count clicks)
  --project DIR  the folder with supabase/ in it (default: found from here upward)
  --dry-run      shows what would change, as a diff, and writes nothing
  --force        also overwrites what somebody changed, or a function of another origin
  --help         prints this`;

/** `init`: all or nothing is written, and again is an upgrade. */
export const init: Command = {
  says: "puts the relay into a Supabase project, or renews it there",
  run(args, world) {
    const options = readOptions(args, {
      with: { type: "string", default: "" },
      project: { type: "string" },
      "dry-run": { type: "boolean", default: false },
      force: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    });
    if (options.help) {
      world.out(HELP);
      return 0;
    }
    const { folder } = findProject(world.cwd, options.project);
    const project = readProject(folder);
    const plan = planInit(project, loadAssets(world.home), {
      choices: readChoices(options.with),
      force: options.force,
      name: basename(folder).replaceAll(/[^\w-]/g, "-") || "app",
      now: world.now,
    });
    if (options["dry-run"]) {
      world.out(diffsOf(plan) || "Nothing would change.");
      for (const note of plan.notes) world.out(`# ${note}`);
      return plan.left.length > 0 ? 1 : 0;
    }
    writeChanges(folder, plan.changes);
    tell(project, plan, world);
    return plan.left.length > 0 ? 1 : 0;
  },
};

function tell(project: Project, plan: Plan, { out, cwd }: World): void {
  out(`Project: ${project.folder}\n`);
  out(listOf(plan) || "  All is there already, and as it should be.");
  if (plan.left.length > 0) {
    out(`\nLeft alone, and what --force would do:\n\n${diffsOf({ ...plan, changes: [] })}`);
  }
  if (plan.notes.length > 0) out(`\n${plan.notes.join("\n")}`);
  const config = parseConfig(changed(plan, CONFIG) ?? project.texts.get(CONFIG) ?? "");
  const facts = readFacts(project.folder, cwd);
  const hasNewMigrations = plan.changes.some(({ path }) => path.startsWith(MIGRATIONS));
  const steps = nextSteps(config, facts, hasNewMigrations);
  out(`\nNext:\n\n${indented(steps.join("\n"))}`);
  for (const hint of hints(config, facts)) out(`\n${hint}`);
  out(`\nIn the page, ${aboutVersion(facts)}:\n\n${indented(snippet(config, facts))}`);
}

const changed = ({ changes }: Plan, path: string): string | undefined =>
  changes.find((change) => change.path === path)?.after;
