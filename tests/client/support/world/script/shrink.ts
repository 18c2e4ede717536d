import { type Script, type Step, USUAL } from "./script.ts";

/** The smaller scripts next to one: without a step, with less set up, with shorter waits. */
function* smaller({ setup, steps }: Script): Generator<Script> {
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let i = 0; i + size <= steps.length; i++) {
      const rest = steps.toSpliced(i, size);
      yield { setup, steps: rest };
      // What follows may need the time that the step took.
      const waited = steps.slice(i, i + size).reduce((sum, each) => sum + each.after, 0);
      if (waited > 0 && rest[i]) {
        yield { setup, steps: rest.with(i, { ...rest[i], after: rest[i].after + waited }) };
      }
    }
  }
  for (const name of Object.keys(setup) as (keyof typeof setup)[]) {
    const { [name]: value, ...rest } = setup;
    if (JSON.stringify(value) !== JSON.stringify(USUAL[name])) yield { setup: rest, steps };
  }
  const channels = setup.channels ?? [];
  for (const name of channels) {
    if (channels.length > 1) {
      yield { setup: { ...setup, channels: channels.filter((each) => each !== name) }, steps };
    }
  }
  for (const [i, step] of steps.entries()) {
    for (const [name, value] of Object.entries(step)) {
      for (const less of lesser(name, value)) {
        yield { setup, steps: steps.with(i, { ...step, [name]: less } as Step) };
      }
    }
  }
}

function* lesser(name: string, value: unknown): Generator<unknown> {
  if (typeof value === "number" && name !== "code" && name !== "answer" && value > 0) {
    if (name === "after") yield 0;
    if (name === "count" && value > 1) yield 1;
    const round = [100, 1_000, 3_000, 6_000, 10_000, 20_000].findLast((each) => each < value);
    if (round && name !== "count") yield round;
  }
  if (["startedAgoMs", "lateMs", "slug", "back"].includes(name)) yield undefined;
  if (name === "evil" && value !== "none") yield "none";
}

/** Makes a script as small as it still does the same, in so many plays at most. */
export async function shrink(
  script: Script,
  fails: (script: Script) => Promise<boolean>,
  plays = 2_000,
): Promise<Script> {
  search: while (true) {
    for (const next of smaller(script)) {
      if (plays-- <= 0) return script;
      const plain = JSON.parse(JSON.stringify(next));
      if (JSON.stringify(plain) === JSON.stringify(script) || !await fails(plain)) continue;
      script = plain;
      continue search;
    }
    return script;
  }
}
