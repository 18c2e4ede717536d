import { within } from "./within.ts";

/** What the stack is made of, in the order in which it is taken apart: consumers first. */
const ORDER = ["functions", "relay", "redirect", "realtime", "api", "postgres", "gateway"] as const;
type Name = typeof ORDER[number];

interface Part {
  stop(): Promise<void>;
  /** Where the part is a process: its exit code, whoever ended it. */
  exited?: Promise<number>;
}

/** Each part has a bound of its own below this; this one is for what nobody foresaw. */
const STOP_MS = 15_000;

/** The parts that run or are about to, and the promise that none of them is left behind. */
export class Parts {
  readonly #parts = new Map<Name, Promise<Part>>();
  readonly #ended = Promise.withResolvers<string>();
  #stopping: Promise<void> | undefined;

  /** Resolves with a sentence when a process ends that was not asked to. */
  readonly exited = this.#ended.promise;

  /** Starts a part, in place of one of the same name that was taken out. Throws once stopping. */
  add<P extends Part>(name: Name, start: () => Promise<P>): Promise<P> {
    if (this.#stopping) throw new Error("The stack was stopped while it started.");
    const part = start();
    this.#parts.set(name, part);
    part.then(({ exited }) => exited?.then((code) => this.#note(name, part, code)), () => {});
    return part;
  }

  /** Stops one part alone. */
  async take(name: Name): Promise<void> {
    const part = this.#parts.get(name);
    this.#parts.delete(name);
    await stop(part);
  }

  /** Stops all of them, those included that are still starting. The same promise each time. */
  stop(): Promise<void> {
    return this.#stopping ??= this.#stop();
  }

  async #stop(): Promise<void> {
    for (const name of ORDER) await stop(this.#parts.get(name));
  }

  #note(name: Name, part: Promise<Part>, code: number): void {
    if (this.#stopping || this.#parts.get(name) !== part) return;
    this.#ended.resolve(`${TITLES[name]} ended by itself with code ${code}.`);
  }
}

const TITLES: Record<Name, string> = {
  functions: "The functions",
  relay: "The relay",
  redirect: "The redirect function",
  realtime: "Realtime",
  api: "The API",
  postgres: "Postgres",
  gateway: "The gateway",
};

/** A part that never came up, or that fails while it stops, must not keep the others running. */
async function stop(part: Promise<Part> | undefined): Promise<void> {
  await within(STOP_MS, part?.then((it) => it.stop()).catch(() => {}));
}
