/** The bounds of docs/PROTOCOL.md, "A socket's life", held against what is there. */
import { Violation } from "../invariants.ts";
import type { Party } from "../network/party.ts";
import type { Push } from "../realtime/push.ts";
import type { Court } from "./court.ts";
import type { Settings } from "../world/settings.ts";
import type { Time } from "../world/time.ts";

/** The relay looks every 5 s whether it has heard, and for how long not; and closes who is quiet. */
const LOOK_MS = 11_000;

/** Refusals wait so much longer at most. */
export const JITTER = 1.2;

/** What comes while tokens are checked is read behind them. */
const MANY_CHECKS = 10;

/** A close waits until the client is quiet. */
const CLOSE_MS = 1_000;

/**
 * To be asked while the worker is awake. Throws for what is there too long, or too often. Who is waited
 * for has so long while the worker is awake; what else is due while it stands still is due at its end.
 */
export function holdLimits({ parties, settings, time, endsAt }: Court): void {
  const there = parties.filter(({ isAdmitted, end }) => isAdmitted && end.readyState !== 3);
  const open = there.filter(({ isOpen }) => isOpen);
  for (const party of open) holdLife(party, settings, time);
  if (open.length > 0 && time.sinceDue(endsAt) > CLOSE_MS) {
    fail(`${open.length} sockets at the worker's end`);
  }
  // Who has signed out has a place among the refused.
  const placed = there.filter(({ client }) => !client.hasEnded);
  const named = placed.filter(({ placedSub }) => placedSub);
  for (const { length } of Map.groupBy(named, ({ placedSub }) => placedSub).values()) {
    if (length > settings.perUser) fail(`${length} sockets of one user`);
  }
  if (settings.proxies === 0) return;
  for (const { length } of Map.groupBy(placed, ({ options }) => options.from).values()) {
    if (length > settings.perAddress) fail(`${length} sockets of one address`);
  }
}

function holdLife(party: Party, settings: Settings, time: Time): void {
  const { now } = time;
  const { client, waits, admittedAt, options: { index } } = party;
  // Who has waited for their user is looked after from then on.
  const since = waits ? admittedAt! : 0;
  const openedAt = Math.max(party.openedAt, since);
  const heardAt = Math.max(party.heardAt, since);
  const { joinTimeoutMs, maxSilenceS, maxJoins } = settings;
  const { endedAt } = client;
  if (endedAt !== undefined) return holdEnd(party, Math.max(endedAt, since), settings, time);
  if (client.joins === 0 && time.sinceWaited(openedAt, joinTimeoutMs) > CLOSE_MS) {
    fail(`client ${index} has not joined for ${now - openedAt} ms`);
  }
  if (time.sinceWaited(heardAt, maxSilenceS * 1_000) > LOOK_MS) {
    fail(`client ${index} has been silent for ${now - heardAt} ms`);
  }
  const { isUser, expiresAt } = client.who;
  // It may end while the socket to Realtime is opened.
  if (isUser && time.sinceDue(Math.max(expiresAt, openedAt)) > CLOSE_MS) {
    fail(`the token of client ${index} has been over for ${now - expiresAt} ms`);
  }
  const joined = [...client.lives.values()].filter((lives) =>
    lives.some(({ state, isEnding }) => state === "joined" && !isEnding)
  );
  if (joined.length > maxJoins) fail(`client ${index} has joined ${joined.length} channels`);
}

/** Who has signed out waits for the close as those do who are refused; what has come is read before. */
function holdEnd(party: Party, endedAt: number, settings: Settings, time: Time): void {
  const at = endedAt + MANY_CHECKS * settings.verifyMs + JITTER * settings.refusalDelayMs;
  if (time.sinceDue(at) <= CLOSE_MS) return;
  fail(`client ${party.options.index} was to be closed ${time.now - endedAt} ms ago`);
}

/** To be asked for each broadcast that goes to Realtime. */
export function holdPush(party: Party, push: Push, settings: Settings, now: number): void {
  const { frameBurst, framesPerSecond, maxFrame } = settings;
  if (push.size > maxFrame) fail(`a broadcast of ${push.size} bytes passed`);
  party.pushed++;
  const most = frameBurst + framesPerSecond * (now - party.openedAt) / 1_000;
  if (party.pushed > most) {
    fail(`${party.pushed} broadcasts of client ${party.options.index} passed`);
  }
}

function fail(seen: string): never {
  throw new Violation("limits", seen);
}
