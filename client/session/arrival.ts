import { asJson, type Frame, withPayload } from "../frame.ts";
import { identify } from "../gap/identity.ts";
import { isReading } from "../gap/track.ts";
import type { Channel } from "./channel.ts";
import { admit, deliverReplay, isReplay, REPLAY_LIMIT } from "./delivery.ts";
import type { Link, Pending } from "./link.ts";
import { prove, SETTLE_MS, take } from "./links.ts";
import { isJoining, isReady, tell } from "./places.ts";
import type { State } from "./state.ts";

/** Clients of a relay that lost events do not all read them again at once. */
const LOST_JITTER_MS = 5_000;

/** Takes what a link brings. */
export function fromLink(state: State, link: Link, frame: Frame): void {
  const { topic, event, payload, ref, join_ref } = frame;
  const isRelay = event === "system" && payload.extension === "relay";
  const isNotice = topic === "phoenix" && isRelay;
  link.lastFrameAt = state.now;
  const isLate = link.behind > 0 || link.muted || isJoining(state, link);
  if (!isLate && !isNotice) link.freshAt = state.now;
  if (link.provenAt === undefined && !isRelays(frame)) prove(state, link);
  if (event === "phx_reply") return answered(state, link, ref ?? "", frame);
  // It may come before the link is proven.
  if (isNotice) return state.do({ is: "notice", link, payload });
  const isActive = link === state.active;
  const channel = state.channels.get(topic);
  const place = channel?.places.get(link);
  if (!place) return isActive && !channel ? state.deliver(frame) : undefined;
  // It is said of a join that the application has left since.
  if (join_ref && join_ref !== channel!.join.join_ref) return;
  if (isRelay && payload.status === "gap") {
    const lostMs = Number(payload.to) - Number(payload.from) || 0;
    tell(state, channel!, { is: "missing", since: link.freshAt - lostMs });
    return state.wait(`#lost ${topic}`, state.now + LOST_JITTER_MS * state.chance);
  }
  if (event === "system") {
    return tell(state, channel!, { is: "system", link, frame });
  }
  if (event === "phx_close" || event === "phx_error") {
    return tell(state, channel!, { is: "closed", link, frame });
  }
  const { ids } = place;
  if (event !== "postgres_changes" || ids.size === 0 || !Array.isArray(payload.ids)) {
    if (isActive && isReplay(frame) && channel!.parts.casts.at === "flowing") {
      return lateReplay(state, link, channel!, frame);
    }
    return admit(state, link, frame);
  }
  const known = payload.ids.map((id) => ids.get(id) ?? id);
  admit(state, link, withPayload(frame, { ...payload, ids: known }));
}

/**
 * All of a replay comes before the answer to a heartbeat, but where Realtime is in trouble. What comes
 * later is delivered unless the link before has brought newer ones, and nothing tells that it was cut.
 */
function lateReplay(state: State, link: Link, channel: Channel, frame: Frame): void {
  const place = channel.places.get(link)!;
  const { isSpent, isOver } = place;
  if (isSpent || (isOver && channel.ledger.has(identify(state.catchUps, frame)))) return;
  if (!isOver) {
    admit(state, link, frame);
    if (++place.late < REPLAY_LIMIT) return;
  }
  place.isSpent = true;
  tell(state, channel, { is: "cut", link });
}

/** The relay itself refuses joins, in words of its own form, and speaks about the socket. */
const isRelays = (frame: Frame): boolean =>
  frame.event === "system" ||
  (isError(frame) && /^[a-z_]+: /.test(String(asJson(frame.payload.response).reason)));

const isError = ({ event, payload }: Frame) => event === "phx_reply" && payload.status === "error";

/** An answer that nobody waits for is one that the application has had. */
function answered(state: State, link: Link, ref: string, frame: Frame): void {
  const pending = link.pending.get(ref);
  link.pending.delete(ref);
  const beat = link.beats.findIndex((beat) => beat.ref === ref);
  if (beat >= 0) {
    link.beats.splice(0, beat + 1);
    state.watch(link);
  }
  const channel = state.channels.get(frame.topic);
  if (channel?.join.ref === ref) return joinAnswered(state, link, channel, frame);
  if (pending) follow(state, link, pending, frame);
}

function joinAnswered(state: State, link: Link, channel: Channel, frame: Frame): void {
  // Nobody was signed in when the socket was opened: maybe somebody is now.
  if (isError(frame) && link.token === null && state.asksToken) state.do({ is: "doubt" });
  tell(state, channel, { is: "answer", link, frame });
}

function follow(state: State, link: Link, pending: Pending, frame: Frame): void {
  if (pending.to === "replay") endReplay(state, link, pending);
  else if (pending.to === "switch") {
    const { active, next } = state;
    if (active === link && next && isReady(state, next)) take(state, next);
  } else if (pending.to === "fresh") link.behind--;
  else if (pending.to === "settled") {
    // What waits may be of it.
    if (link.held.length) state.wait("#settled", state.now + SETTLE_MS);
    else link.overlap = undefined;
  } else if (pending.to !== "alive") state.deliver(frame);
}

function endReplay(state: State, link: Link, { topic, read }: Pending & { to: "replay" }): void {
  const channel = state.channels.get(topic);
  if (!channel || !isReading(channel.parts.casts, read)) return;
  const missing = deliverReplay(state, link, channel);
  tell(state, channel, { is: "read", part: "casts", read, missing });
}
