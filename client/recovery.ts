import { backoff } from "./backoff.ts";
import type { Channel } from "./channel.ts";
import { abandon, closeGap, openGap } from "./gap.ts";
import type { Link } from "./link.ts";
import { place } from "./place.ts";
import { readGap } from "./read_gap.ts";
import type { Session } from "./session.ts";
import type { Timers } from "./timers.ts";

/** How often a catch-up is repeated: for about a minute. */
const READS = 8;

/** How often a topic is tried again before the application is told. */
const RESTORES = 5;

/** Clients of a relay that lost events do not all read them again at once. */
const LOST_JITTER_MS = 5_000;

/** Brings back topics and what they missed, again and again where it fails, each time with a bound. */
export class Recovery {
  constructor(
    private readonly timers: Timers,
    private readonly random: () => number,
    private readonly session: () => Session,
  ) {}

  /** Reads what a topic missed, and closes its gap. */
  async read(channel: Channel, link: Link): Promise<void> {
    const session = this.session();
    const { signal } = link.gone;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return closeGap(session, link, channel, await readGap(session, link, channel, signal));
      } catch (error) {
        // A filter that cannot be read again will not be readable later.
        const isFinal = error instanceof SyntaxError || attempt === READS;
        if (isFinal) return closeGap(session, link, channel, "events");
      }
      const wait = backoff(attempt, this.random);
      await new Promise<void>((go) => this.timers.set(`read ${channel.topic}`, wait, go));
    }
  }

  /** Joins a topic again that was not let in, unless it never will be. */
  restore(channel: Channel, link: Link, reason: string): void {
    const isFinal = /^[a-z_]+: |^Unauthorized/.test(reason);
    channel.failures = (channel.failures ?? 0) + 1;
    if (isFinal || channel.failures > RESTORES) {
      return abandon(this.session(), link, channel, reason);
    }
    const wait = backoff(channel.failures, this.random);
    this.timers.set(`restore ${channel.topic}`, wait, () => {
      if (this.#isLive(channel, link)) place(this.session(), link, channel);
    });
  }

  /** The relay has lost events of a topic. */
  lost(channel: Channel, link: Link): void {
    this.timers.set(`lost ${channel.topic}`, LOST_JITTER_MS * this.random(), () => {
      if (!this.#isLive(channel, link)) return;
      const session = this.session();
      openGap(session, channel);
      if (session.isReplayed(channel)) place(session, link, channel);
      else this.read(channel, link);
    });
  }

  #isLive(channel: Channel, link: Link): boolean {
    const { channels, active } = this.session();
    return channels.get(channel.topic) === channel && active === link;
  }
}
