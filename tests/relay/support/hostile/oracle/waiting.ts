/** Sockets that wait for their user: docs/PROTOCOL.md, "The first join", and SECURITY.md. */
import { Violation } from "../invariants.ts";
import type { Party } from "../network/party.ts";
import type { Court } from "./court.ts";
import { JITTER } from "./limits.ts";

/** Nobody named by then: it ends. */
const WAIT_MS = 10_000;

/** A join waits so long for a token that is pushed behind it. */
const TOKEN_BEHIND_MS = 1_000;

/** What has come to a worker that stood still is read in so long. */
const READ_MS = 500;

/** What comes while bad tokens are checked is read behind them. */
const MANY_CHECKS = 10;

/** A close waits until the client is quiet. */
const CLOSE_MS = 1_000;

/** What each may say while a token is checked, however much others do. */
const SPARE_BYTES = 16_384;

/** Whoever has a token has brought it by then: nobody gives way before, but in a burst. */
const GRACE_MS = 2_000;

/** From one address. */
const MAX_PER_ADDRESS = 8;

/** A client that never opened its socket has been given up by then, since its refusal's delay too. */
const NEVER_MS = 60_000;

/** For what these are told to go they have waited already: they take no refused one's place. */
const GAVE_WAY = ["token_missing", "too_many_waiting", "restart"];

/** How many may wait; and as many more that have not answered their close. */
export const mostWaiting = ({ anonymous, maxSockets }: Court["settings"]): number =>
  anonymous === "join" ? Math.ceil(maxSockets / 4) : 0;

/** To be asked at any time. Throws for what waits too long. */
export function holdWaiting(court: Court): void {
  const { parties, settings, time, drainedAt } = court;
  const { now } = time;
  for (const party of parties.filter(({ waits, isOpen }) => waits && isOpen)) {
    const { client, openedAt, refusal, isUnnamed, isDialling, options: { index } } = party;
    const { namedAt } = client.who;
    const whose = `client ${index}, which nobody was named for`;
    if (isUnnamed && time.sinceWaited(openedAt, WAIT_MS) > CLOSE_MS) {
      fail(`${whose}, has waited for ${now - openedAt} ms`);
    }
    if (isDialling && time.sinceWaited(namedAt!, settings.dialTimeoutMs) > CLOSE_MS) {
      fail(`client ${index} was named ${now - namedAt!} ms ago`);
    }
    // Who was refused for what it had said has not waited: it is closed as late as others.
    const delay = isLoud(party) ? JITTER * settings.refusalDelayMs : 0;
    const isTold = GAVE_WAY.includes(refusal?.code ?? "");
    if (isTold && time.sinceDue(refusal!.at + delay) > CLOSE_MS) {
      fail(`${whose}, was told ${refusal!.code} and is not closed`);
    }
    if (!party.isAdmitted && !refusal && time.sinceDue(drainedAt) > CLOSE_MS) {
      fail(`client ${index} is not told that the worker ends`);
    }
    const ms = TOKEN_BEHIND_MS + MANY_CHECKS * settings.verifyMs;
    if (isUnnamed) holdAnswer(party, (askedAt) => time.sinceWaited(askedAt, ms) > READ_MS);
  }
}

function holdAnswer({ client, options }: Party, isLate: (askedAt: number) => boolean): void {
  for (const { state, isEnding, askedAt, topic } of [...client.lives.values()].flat()) {
    if (state !== "asked" || isEnding || !isLate(askedAt)) continue;
    fail(`the join of ${topic} of client ${options.index} was not answered`);
  }
}

/** To be asked when somebody has come: how many of them wait. */
export function holdRoom({ parties, settings }: Court): void {
  // A token that another socket has shown takes no time to check.
  const waiting = parties.filter(({ isUnnamed, isUpgraded, client }) =>
    isUnnamed && isUpgraded && !client.who.isUser
  );
  const most = mostWaiting(settings);
  if (isCrowded(waiting, most)) fail(`${waiting.length} wait, and ${most} may`);
  if (settings.proxies === 0) return;
  for (const [from, those] of Map.groupBy(waiting, ({ options }) => options.from)) {
    if (isCrowded(those, MAX_PER_ADDRESS)) fail(`${those.length} of address ${from} wait`);
  }
}

/** Twice as many come in a burst: nobody gives way while a token may be on its way. */
const isCrowded = ({ length }: Party[], most: number): boolean => length > 2 * most;

/** To be asked before a socket to Realtime is dialled, where nobody may share one. */
export function holdDial({ parties, settings, realtime: { dialled } }: Court): void {
  if (settings.anonymous === "allow") return;
  const named = parties.filter(({ waits, client, firstSub }) =>
    waits ? client.who.isUser : firstSub
  );
  if (dialled.length >= named.length) fail(`dialled for nobody: ${named.length} were named`);
}

/** To be asked when a client is refused, for what bound. */
export function holdRefusal(court: Court, party: Party | undefined, code: string): void {
  const { parties, settings, time } = court;
  const others = parties.filter((it) => it !== party);
  const isThere = ({ end }: Party) =>
    end.readyState !== 3 || (end.closedAt ?? 0) > time.awakeFor(NEVER_MS);
  // Who is told to go while Realtime is dialled for them has a place until that is over.
  const isDialledFor = ({ isAdmitted, refusal, client: { who: { namedAt } } }: Party) =>
    !isAdmitted && refusal !== undefined && namedAt !== undefined &&
    time.sinceWaited(namedAt, settings.dialTimeoutMs) <= 0;
  const placed = others.filter((it) =>
    isDialledFor(it) || isPlaced(it) && (!it.isAdmitted || isThere(it))
  );
  const told = (who: Party[], most: number) => {
    if (who.length < most) fail(`told ${code}, and ${who.length} are there of ${most}`);
  };
  // One whose token is still checked may have to make room.
  const isMissing = code === "token_missing" ||
    (code === "too_many_waiting" && time.sinceDue(party?.client.who.namedAt ?? 0) > 0);
  const isOfBytes = code === "too_many_waiting" && party !== undefined && isLoud(party);
  if (party?.placedSub && isMissing && !isOfBytes) {
    fail(`client ${party.options.index}, whom a token names, is told ${code}`);
  }
  if (code === "too_many_waiting" && party?.waits && !party.client.who.isUser && !isOfBytes) {
    const waiting = parties.filter(({ isUnnamed, isUpgraded }) => isUnnamed && isUpgraded);
    const isBurst = waiting.length >= Math.min(2 * mostWaiting(settings), 2 * MAX_PER_ADDRESS);
    const ms = time.now - party.openedAt;
    if (!isBurst && ms < GRACE_MS) fail(`client ${party.options.index} gave way after ${ms} ms`);
  }
  if (code === "too_many_sockets") told(placed, settings.maxSockets);
  if (code === "too_many_user_sockets") {
    told(placed.filter(({ placedSub }) => placedSub === party!.placedSub), settings.perUser);
  }
  if (code === "too_many_address_sockets") {
    const { from } = party!.options;
    told(placed.filter(({ options }) => options.from === from), settings.perAddress);
  }
  if (code === "too_many_refusals") {
    told(parties.filter((it) => isRefused(it) && isThere(it)), settings.refusalMax);
  }
}

/** It has, or may have, a place among those that are let in, or Realtime is dialled for it. */
function isPlaced(party: Party): boolean {
  const { isAdmitted, isUpgraded, status, waits, client, refusal } = party;
  // A token that another socket has shown takes no time to check.
  const isNamed = waits && client.who.isUser && !refusal;
  return isAdmitted || isNamed || (!isUpgraded && status === undefined);
}

/** It has, or may have, a place among the refused. */
function isRefused(party: Party): boolean {
  const { isUpgraded, isAdmitted, waits, refusal, client } = party;
  if (!isUpgraded) return false;
  if (isAdmitted) return client.hasEnded;
  return refusal !== undefined && !(waits && GAVE_WAY.includes(refusal.code) && !isLoud(party));
}

/** It may have been refused for its bytes: what waits for a token has a bound over all sockets. */
const isLoud = ({ said }: Party): boolean => said > SPARE_BYTES;

function fail(seen: string): never {
  throw new Violation("waiting", seen);
}
