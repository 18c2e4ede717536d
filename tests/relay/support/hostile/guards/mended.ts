import type { Guard } from "./guard.ts";

/** What the generator was written to find: each was open once, and is taken out as it was mended. */
export const MENDED: Guard[] = [
  {
    file: "hub/group/newcomers.ts",
    find: "return !isPrivate || now() - this.#allowedAt <= FRESH_MS;",
    replace: "return isPrivate !== undefined;",
    sentence: "a newcomer is let into a private channel after the right was withdrawn",
    tests: ["hub/rights"],
    isSought: true,
  },
  {
    file: "socket/gate.ts",
    find: "if (roleOf(identity) === this.#role) return;",
    replace: "if (this.#role) return;",
    sentence: "a viewer who becomes a user keeps what this role may not have",
    tests: ["socket/roles"],
    isSought: true,
  },
  {
    file: "socket/tunnel.ts",
    find: 'place.become("closing");',
    replace: "place.leave();",
    sentence: "sockets that do not answer their close hold no place, and fill a worker unseen",
    tests: ["socket/tunnel", "socket/places"],
    isSought: true,
  },
  {
    file: "hub/trunk.ts",
    find: "if (oldest && this.options.awake.look() - oldest.ms >= HEARTBEAT_MS) return",
    replace: "if (oldest) return",
    sentence: "a heartbeat that is a moment old counts as one that is not answered",
    tests: ["hub/crowd"],
    isSought: true,
  },
  {
    file: "hub/trunk.ts",
    find: "this.options.awake.stoodSince(this.#beatenAt) ?? Infinity;",
    replace: "Infinity;",
    sentence: "what was lost behind a standstill of the worker is in no gap",
    tests: ["hub/gap"],
    isSought: true,
  },
  {
    file: "peer/awake.ts",
    find: "this.isWatched ? Math.min(passed, within + LATE_MS) : passed;",
    replace: "passed;",
    sentence: "whoever is waited for is given up for the time in which the worker stood still",
    tests: ["socket/awake", "hub/slow"],
    isSought: true,
  },
  {
    file: "hub/own/channels.ts",
    find: "hasBindings: share.hasBindings,\n      kept: this.#kept,",
    replace:
      "hasBindings: share.hasBindings,\n      kept: new Kept({ take: () => true, give() {}, max: this.options.unsent.max }),",
    sentence: "each topic that goes over may keep as much as its viewer",
    tests: ["hub/crowd"],
    isSought: true,
  },
  {
    file: "hub/groups.ts",
    find: "return fitting.length < MAX_TRUNKS ?",
    replace: "return this.#trunks.size < MAX_TRUNKS ?",
    sentence: "viewers of one wire format take the whole hub",
    tests: ["hub/crowd"],
    isSought: true,
  },
  {
    file: "socket/gate.ts",
    find: "this.channels.muteFor(identity);",
    replace: "",
    sentence: "a channel that another join has replaced speaks to a role that may not have it",
    tests: ["socket/roles"],
    isSought: true,
  },
];
