import { UsageError } from "../stack/cli/options.ts";

/** The scenarios, in the order in which they run. */
export const SCENARIOS = [
  ...["messages", "setup", "idle", "start", "hub", "stack", "streams", "pass", "client"] as const,
];
export type Scenario = typeof SCENARIOS[number];

export interface Options {
  /** Under a minute, with figures that are rough. */
  quick: boolean;
  /** The result as one JSON object on stdout, in place of the tables. */
  json: boolean;
  /** Writes docs/BENCHMARKS.md and its charts. */
  write: boolean;
  /** Which scenarios run. */
  only: readonly Scenario[];
  /** Peers whose name holds none of these words are left out; empty leaves none out. */
  peers: readonly string[];
}

const USAGE = `deno task bench [--quick] [--json] [--write] [--only LIST] [--peers LIST]
  --quick       less than a minute, rough figures
  --json        the result as JSON
  --write       writes docs/BENCHMARKS.md and its charts
  --only LIST   scenarios, separated by commas: ${SCENARIOS.join(", ")}
  --peers LIST  words of the names of peers, such as nginx,naive`;

/** Reads the command line. Throws a UsageError. */
export function parseOptions(args: readonly string[]): Options {
  const options = { quick: false, json: false, write: false };
  const lists: Record<string, string[]> = { "--only": [...SCENARIOS], "--peers": [] };
  for (let n = 0; n < args.length; n++) {
    const flag = args[n].slice(2);
    if (args[n].startsWith("--") && flag in options) options[flag as keyof typeof options] = true;
    else if (args[n] in lists) lists[args[n]] = listOf(args[n], args[++n]);
    else throw new UsageError(`${args[n]}: there is no such argument.\n${USAGE}`);
  }
  const only = lists["--only"].map(scenarioOf);
  if (
    options.write && (options.quick || only.length < SCENARIOS.length || lists["--peers"].length)
  ) {
    throw new UsageError("--write: documents a whole run; leave out --quick, --only and --peers.");
  }
  return { ...options, only, peers: lists["--peers"] };
}

function listOf(flag: string, value: string | undefined): string[] {
  const items = value?.split(",").filter(Boolean) ?? [];
  if (items.length > 0 && !value!.startsWith("--")) return items;
  throw new UsageError(`${flag}: got ${value ?? "nothing"}, wants a list such as a,b.`);
}

function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS.find((scenario) => scenario === name);
  if (scenario) return scenario;
  throw new UsageError(`--only: got ${name}, wants some of ${SCENARIOS.join(", ")}.`);
}
