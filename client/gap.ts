import { backoff } from "./backoff.ts";
import { type Channel, configOf } from "./channel.ts";
import { mirrorOf, nameOf } from "./events.ts";
import type { Place } from "./link.ts";
import { isLive, place } from "./place.ts";
import { readGap } from "./read_gap.ts";
import type { Session } from "./session.ts";

/** What may be missing: anything; UPDATE and DELETE; broadcasts that Realtime does not store. */
export type Missing = "events" | "updates" | "unstored";

/** Events in flight when a socket was lost happened this much before its last frame. */
export const IN_FLIGHT_MS = 10_000;

/** As many as Realtime replays. */
export const REPLAY_LIMIT = 25;

/** How often a catch-up is repeated: for about a minute. */
const READS = 8;

/** Clients of a relay that lost events do not all read them again at once. */
const LOST_JITTER_MS = 5_000;

/** True where Realtime itself can send again what a topic missed. */
export const isReplayed = ({ catchUps }: Session, channel: Channel): boolean =>
  configOf(channel).private === true && !mirrorOf(catchUps, channel.topic);

/** From the last frame of a lost socket on a topic may miss something. An open gap stays as it is. */
export function openGap({ port }: Session, channel: Channel, lastFrameAt = port.clock.now()): void {
  channel.gap ??= lastFrameAt - IN_FLIGHT_MS;
}

/** Brings what a topic missed: by another join where Realtime can send it, and was not asked to. */
export function recover(session: Session, there: Place): void {
  const { link, channel } = there;
  if (!channel.gap) return;
  if (isReplayed(session, channel) && !there.replays) place(session, link, channel);
  else catchUp(session, there);
}

/** The relay has lost events of a topic. */
export function lost(session: Session, there: Place): void {
  const { channel } = there;
  const { port } = session;
  port.clock.later(`lost ${channel.topic}`, LOST_JITTER_MS * port.clock.random(), () => {
    if (!isLive(session, there)) return;
    openGap(session, channel);
    there.replays = false;
    recover(session, there);
  });
}

/** Reads what a topic missed, again and again where that fails, and closes its gap. */
async function catchUp(session: Session, there: Place, attempt = 0): Promise<void> {
  const { port } = session;
  let missing: Missing | undefined = "events";
  try {
    missing = await readGap(session, there);
  } catch {
    if (attempt < READS && isLive(session, there)) {
      const wait = backoff(attempt, port.clock.random());
      const again = () => catchUp(session, there, attempt + 1);
      return port.clock.later(`read ${there.channel.topic}`, wait, again);
    }
  }
  closeGap(session, there, missing);
}

/** The end of a catch-up: live events go on, after word of what could not be had. */
export function closeGap(session: Session, there: Place, missing?: Missing): void {
  const { link, channel } = there;
  const { topic, gap: from, isCut } = channel;
  if (!from || !isLive(session, there)) return;
  channel.gap = channel.isCut = undefined;
  if (isCut) missing = "events";
  if (missing) {
    const { port } = session;
    const about = { extension: "relay", status: "gap", channel: nameOf(topic), from };
    const message = "Events of this topic may be missing.";
    const payload = { ...about, to: port.clock.now(), missing, message };
    port.deliver({ topic, event: "system", payload });
  }
  session.release(link);
}
