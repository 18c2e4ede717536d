/** The recorded conversations, and the replay of one of them. */
import type { Cluster } from "../../../support/database.ts";
import type { Difference } from "./compare.ts";
import { loadCues } from "./cues.ts";
import { DEVIATIONS } from "./deviations.ts";
import { Replay } from "./replay.ts";
import { Stage, type StageOptions } from "./stage.ts";
import { readSteps } from "./steps.ts";
import { DEADLINE_MS } from "./wait.ts";

const RECORDINGS = new URL("../../transcripts/", import.meta.url);

export interface Conversation {
  /** Of the recording's file. */
  name: string;
  number: string;
}

/** All recordings, in order. */
export function conversations(): Conversation[] {
  const names = [...Deno.readDirSync(RECORDINGS)].map(({ name }) => name);
  return names.filter((name) => name.endsWith(".txt")).sort()
    .map((name) => ({ name, number: name.split("-")[0] }));
}

/**
 * Replays a conversation on a server of its own; its differences, by line. `long`: with the
 * original's delays and times, else with shorter ones.
 */
export async function replay(
  { name, number }: Conversation,
  { cluster, long }: { cluster: Cluster; long: boolean },
): Promise<Difference[]> {
  const recording = await Deno.readTextFile(new URL(name, RECORDINGS));
  const setup = await readSetup(number);
  const cues = await loadCues(number, long);
  const deviations = DEVIATIONS.filter(({ conversation }) => conversation === number);
  const steps = readSteps(recording);
  for (const line of deviations.flatMap((one) => Object.keys({ ...one.instead, ...one.also }))) {
    if (!steps.some((step) => step.line === +line)) throw new Error(`nothing at line ${line}`);
  }
  const said = setup + steps.map((step) => {
    return step.kind === "send" ? step.frame : step.kind === "sql" ? step.text : "";
  }).join("\n");
  const limits = /, (default self-host limits|limits lifted)[^)]*\)/.exec(recording)?.[1];
  const stage = await Stage.open({
    cluster,
    setup,
    limits: limits as StageOptions["limits"],
    changes: cues.changes,
    delays: long,
  });
  try {
    const deadline = DEADLINE_MS * (long ? 6 : 1);
    return await new Replay({ stage, steps, cues, deviations, said, deadline }).run();
  } finally {
    await stage.close();
  }
}

/** The SQL before a recording began. */
async function readSetup(number: string): Promise<string> {
  try {
    return await Deno.readTextFile(new URL(`setup/${number}.sql`, RECORDINGS));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
