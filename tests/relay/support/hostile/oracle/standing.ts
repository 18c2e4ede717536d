import { ROOMY } from "../world/settings.ts";
import { Violation } from "../invariants.ts";
import type { Court } from "./court.ts";
import { mayBeAlone } from "./sharing.ts";

/**
 * Who looks at a channel that Realtime does not have any more is told by then: a half-open socket is
 * noticed by its heartbeat, which takes 50 s; a minute is waited (docs/PROTOCOL.md); and the last join in
 * it may be dialled for, and have no answer, for as long as the first two together.
 */
const TOLD_MS = 240_000;

/** A client is closed when it is quiet, and after a second in any case. */
const CLOSE_MS = 2_000;

/** To be asked at any time. Throws for a channel that has been dead too long with nobody told. */
export function holdStanding({ parties, realtime, time, settings }: Court): void {
  // When the network is back its end comes, and its client is closed behind that.
  const since = time.awakeFor(CLOSE_MS);
  const isHalfOpen = realtime.dialled.some(({ wasStalled, end }) =>
    wasStalled && (end.closedAt ?? Infinity) >= since
  );
  const isFull = settings.maxChannels < ROOMY.maxChannels;
  for (const party of parties) {
    const { client, isOpen, reads, options } = party;
    if (!isOpen || !reads || client.hasEnded) continue;
    // Whose heartbeats Realtime itself is to answer knows by them.
    if (isHalfOpen && (isFull || mayBeAlone(party))) continue;
    for (const life of [...client.lives.values()].flat()) {
      if (life.state !== "joined" || life.isEnding) continue;
      const goneAt = Math.max(life.joinedAt, realtime.goneSince(options.vsn, life.ask));
      if (time.sinceWaited(goneAt, TOLD_MS) <= 0) continue;
      throw new Violation("frames", `${life} has been dead for ${time.now - goneAt} ms`);
    }
  }
}
