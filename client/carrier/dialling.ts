import { createLink, type Link } from "../session/link.ts";
import { EXPIRED } from "../session/places.ts";
import type { Json } from "../frame.ts";
import { expiryOf, isWellFormed, userOf } from "../token.ts";
import { POLL_MS, type Standing } from "./standing.ts";
import { NO_TOKEN, OTHER_USER } from "./words.ts";

/** For a socket. A refused one is closed after up to 12 s, and the code says why. */
const DIAL_MS = 15_000;

/** Behind the switch the old socket may still bring what the new one is behind with. */
const LINGER_MS = 2_000;

export const UNAUTHORIZED = 4401;

/**
 * When to move to the next socket where a worker's wall clock is known. A worker takes new sockets
 * in the first half of its life and ends them from 0.9 of it on, so 0.4 later is in time.
 */
const plannedMove = (wallClockMs: number, chance: number) => wallClockMs * (0.4 - 0.05 * chance);

/** When to move after the notice: clients that were told together do not all dial at once. */
const moveAfterNotice = (deadlineMs: number, chance: number) => deadlineMs * 0.2 * chance;

/** Asks for a token, and then opens a socket, unless one is on its way. */
export function dial(standing: Standing): void {
  if (standing.way.at === "asking" || standing.beside) return;
  standing.way = { at: "asking" };
  standing.moveAt = Infinity;
  standing.ask();
}

/** Opens a socket with the token that was given; `own` is whose it counts for. */
export function dialWith(standing: Standing, token: string | null, own: string | null): void {
  const { now } = standing.at;
  const link = createLink(++standing.links, now, token, own);
  recognise(standing, link);
  if (token !== null && !isWellFormed(token)) return standing.forbid(link, NO_TOKEN);
  if (isStale(standing, token)) return standing.forbid(link, EXPIRED, UNAUTHORIZED);
  standing.way = { at: "dialling", link, since: now, until: now + DIAL_MS };
  standing.do({ do: "dial", link });
}

/**
 * Realtime lets a socket in with a token that is over, and refuses its joins. It is the judge: a
 * token is over without being tried only where it was good by this machine's clock before, and once:
 * that clock may have been wrong.
 */
function isStale(standing: Standing, token: string | null): boolean {
  const isGood = expiryOf(token) > standing.at.now;
  const wasGood = standing.good === token;
  standing.good = isGood ? token : undefined;
  return standing.options.isDirect && !isGood && wasGood;
}

/** Where the token is somebody else's, nothing of the sockets so far goes any further. */
function recognise(standing: Standing, link: Link): void {
  const { active, leaving, last } = standing;
  const before = (active ?? last)?.token ?? null;
  const known = userOf(before);
  standing.last = link;
  if (known === null || known === userOf(link.token)) return;
  standing.close(active);
  standing.close(leaving?.link);
  standing.active = standing.leaving = standing.ending = undefined;
  standing.why = { reason: OTHER_USER };
  standing.do({ is: "other user", before });
}

export function opened(standing: Standing, link: Link): void {
  const { way } = standing;
  if (way.at !== "dialling" || way.link !== link) return;
  standing.way = { ...way, at: "proving" };
  standing.do({ do: "open", again: false });
}

export function proven(standing: Standing, link: Link): void {
  const { way, active } = standing;
  if (way.at !== "proving" || way.link !== link) return;
  if (active) standing.way = { at: "joining", link };
  else carry(standing, link);
}

/** The session has moved to the next link. */
export function moved(standing: Standing, link: Link): void {
  const { active: old, leaving, at } = standing;
  standing.close(leaving?.link);
  if (old) standing.leaving = { link: old, until: at.now + LINGER_MS };
  // A socket that was opened beside another shows as well that the trouble is over.
  standing.attempts = 0;
  carry(standing, link);
}

/** The link is the active one from now on. */
export function carry(standing: Standing, link: Link): void {
  const { now, chance } = standing.at;
  const { wallClockMs } = standing.options;
  standing.active = link;
  standing.way = { at: "idle" };
  standing.why = {};
  standing.ending = undefined;
  standing.wasLive = true;
  standing.moveAt = wallClockMs ? now + plannedMove(wallClockMs, chance) : Infinity;
  if (standing.wasRefused) standing.do({ do: "open", again: true });
  standing.wasRefused = false;
  for (const status of ["token_expiring", "drain"]) heed(standing, link, status);
  // Since it was asked somebody may have signed in or out, and no frame tells before a while.
  standing.ask();
}

/** It may come before the link is proven, and counts once that is active. */
export function notice(standing: Standing, link: Link, { status, deadline_ms }: Json): void {
  const at = standing.at.now + (Number(deadline_ms) || 0);
  if (status === "token_expiring") link.endsAt = at;
  if (status === "drain") link.leaveBy = at;
  if (link === standing.active) heed(standing, link, status);
}

function heed(standing: Standing, { endsAt, leaveBy, token }: Link, status: unknown): void {
  const { now, chance } = standing.at;
  if (status === "token_expiring" && endsAt !== undefined) {
    standing.ending = { of: token, endsAt, askAt: now + POLL_MS };
    standing.ask();
  }
  if (status === "drain" && leaveBy !== undefined && standing.way.at === "idle") {
    standing.moveAt = now + moveAfterNotice(Math.max(leaveBy - now, 0), chance);
  }
}
