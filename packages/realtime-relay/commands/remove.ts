import { loadAssets } from "../init/load.ts";
import { planRemove } from "../init/plan.ts";
import { findProject } from "../init/project/find.ts";
import { readProject } from "../init/project/read.ts";
import { writeChanges } from "../init/project/write.ts";
import { diffsOf, listOf } from "../init/show.ts";
import type { Command } from "./command.ts";
import { readOptions } from "./options.ts";

const HELP = `Takes the relay out of a project again: every other byte stays.

realtime-relay remove [options]

  --project DIR   the folder with supabase/ in it (default: found from here upward)
  --never-pushed  deletes the migrations too: no database has them
  --dry-run       shows what would change, as a diff, and writes nothing
  --force         also deletes what somebody changed
  --help          prints this`;

/** `remove`: the reverse of init. */
export const remove: Command = {
  says: "takes it out again",
  run(args, { cwd, home, now, out }) {
    const options = readOptions(args, {
      project: { type: "string" },
      "never-pushed": { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
      force: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    });
    if (options.help) {
      out(HELP);
      return 0;
    }
    const { folder } = findProject(cwd, options.project);
    const plan = planRemove(readProject(folder), loadAssets(home), {
      force: options.force,
      neverPushed: options["never-pushed"],
      now,
    });
    if (options["dry-run"]) {
      out(diffsOf(plan) || "Nothing would change.");
      for (const note of plan.notes) out(note.replace(/^/gm, "# "));
      return plan.left.length > 0 ? 1 : 0;
    }
    writeChanges(folder, plan.changes);
    out(`Project: ${folder}\n`);
    out(listOf(plan) || "  There is nothing of the relay to remove.");
    for (const note of plan.notes) out(`\n${note}`);
    return plan.left.length > 0 ? 1 : 0;
  },
};
