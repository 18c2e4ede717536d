/**
 * Plays worlds against a client and lists every promise that it breaks, each with its smallest script:
 * `deno run -A tests/client/support/world/hunt.ts [path/to/mod.ts] [worlds] [seed]`. A script as JSON
 * in place of the number is played alone, with all that happened; names of promises in place of the
 * seed are passed over then.
 */
import fc from "fast-check";
import { scripts } from "./script/generate.ts";
import { type InvariantName, INVARIANTS } from "./judge/invariants.ts";
import { play } from "./play.ts";
import { print, type Script } from "./script/script.ts";
import { shrink } from "./script/shrink.ts";
import { clientAt } from "./client_at.ts";

const [path = "client/mod.ts", what = "500", seed = "1"] = Deno.args;
const client = await clientAt(path);

if (what.endsWith(".json") || what.startsWith("{")) {
  const text = what.startsWith("{") ? what : await Deno.readTextFile(what);
  const ignored = new Set(seed.split(",") as InvariantName[]);
  const { log, broken } = await play(client, JSON.parse(text), { isLogged: true, ignored });
  console.log(log!.join("\n"), "\n", broken ?? "holds");
  Deno.exit();
}

/** These alone are looked for, and so many of each are made small. */
const only = Deno.env.get("HUNT_ONLY")?.split(",");
const many = Number(Deno.env.get("HUNT_EACH") ?? 1);
const names = Object.keys(INVARIANTS) as InvariantName[];
const ignored = new Set(names.filter((name) => only && !only.includes(name)));

const worlds: Script[] = fc.sample(scripts, { numRuns: Number(what), seed: Number(seed) });
const found = new Map<InvariantName, { script: Script; index: number }[]>();
const started = performance.now();
let [events, faults] = [0, 0];
for (const [index, script] of worlds.entries()) {
  const passed = new Set(ignored);
  // What is broken in one way hides no other.
  while (true) {
    const { broken, ...figures } = await play(client, script, { ignored: passed });
    if (passed.size === ignored.size) {
      [events, faults] = [events + figures.events, faults + figures.faults];
    }
    if (!broken) break;
    passed.add(broken.name);
    found.set(broken.name, [...found.get(broken.name) ?? [], { script, index }]);
  }
}
const seconds = (performance.now() - started) / 1000;
console.log(
  `${worlds.length} worlds, ${events} events, ${faults} faults in ${seconds.toFixed(1)} s`,
);
for (const [name, all] of found) {
  console.log(`\n# ${name}: ${all.length} worlds, the first is ${all[0].index}`);
  const others = new Set(names.filter((each) => each !== name));
  const known = new Set<string>();
  for (const { script, index } of all.slice(0, many)) {
    const breaks = async (next: Script) => (await play(client, next, { ignored: others })).broken;
    const small = await shrink(script, async (next) => await breaks(next) !== undefined, 800);
    const { message } = (await breaks(small))!;
    if (known.has(JSON.stringify(small))) continue;
    known.add(JSON.stringify(small));
    console.log(`world ${index}: ${message}\n${print(small)}`);
  }
}
