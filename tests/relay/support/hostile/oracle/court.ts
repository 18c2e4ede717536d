import type { Invariant } from "../invariants.ts";
import type { Party } from "../network/party.ts";
import type { Network } from "../network/relay_end.ts";
import type { Push } from "../realtime/push.ts";
import type { Realtime } from "../realtime/realtime.ts";
import type { Settings } from "../world/settings.ts";
import type { Sight } from "./sights.ts";
import type { Policies } from "./policy.ts";

/** What of a world is judged. */
export interface Court extends Network {
  readonly settings: Settings;
  readonly policies: Policies;
  readonly realtime: Realtime;
  readonly parties: readonly Party[];
  readonly pushes: ReadonlyMap<number, Push>;
  /** When the worker was told to end. */
  readonly drainedAt: number;
  /** By when the last socket is to be told to go, since the worker ends. */
  readonly endsAt: number;
  saw(what: Sight): void;
  /** Runs a look at the world, and keeps the first sentence that it finds broken. */
  look(work: () => void): void;
  broken(invariant: Invariant, seen: string): void;
}
