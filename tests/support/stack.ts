import { type Stack, type StackOptions, startStack } from "../../tools/stack/stack.ts";
import { makeDirectory } from "./directory.ts";
import { type Recipe, SOURCES, takeCopy } from "./template.ts";

/** A whole stack for a test, and all that it logged. */
export interface TestStack extends Stack {
  dataDir: string;
  log: Record<string, unknown>[];
}

/** The machine may lose what a test wrote. */
const databaseSettings = { fsync: "off", full_page_writes: "off" };

/** As a first start leaves it, with this project's migrations by the Supabase CLI. */
const STACK: Recipe = {
  name: "stack",
  sources: SOURCES,
  async make(dataDir) {
    const stack = await startStack({ dataDir, databaseSettings });
    await stack.stop();
  },
};

/** Data of this project's stack, to start one on; whoever has it removes it. */
export const stackData = () => takeCopy(STACK);

/** The same for `work`, after which it is gone. */
export async function withStackData(work: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await stackData();
  await work(dataDir).finally(() => Deno.remove(dataDir, { recursive: true }));
}

/**
 * Runs `work` on a stack of its own: fresh data in a temporary directory, free ports, everything
 * gone afterwards. Only somebody's project is started from nothing. One stack serves several steps
 * of a test file. Fails also if a part ended by itself meanwhile.
 */
export async function withStack(
  work: (stack: TestStack) => Promise<void>,
  options: Partial<StackOptions> = {},
): Promise<void> {
  const dataDir = await (options.project ? makeDirectory() : stackData());
  const log: TestStack["log"] = [];
  const crash: string[] = [];
  try {
    const stack = await startStack({
      dataDir,
      databaseSettings,
      log: (line) => log.push(line),
      ...options,
    });
    stack.exited.then((sentence) => crash.push(sentence));
    try {
      await work(withExtras(stack, { dataDir, log }));
    } finally {
      await stack.stop();
    }
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
  if (crash.length > 0) throw new Error(crash[0]);
}

/** Keeps the getters of `stack`, which a copy would freeze. */
function withExtras<E extends object>(stack: Stack, extras: E): Stack & E {
  return Object.assign(Object.create(stack), extras);
}
