import type { Link } from "../session/link.ts";
import { userOf } from "../token.ts";
import { dialWith } from "./dialling.ts";
import { POLL_MS, type Standing } from "./standing.ts";
import type { Way } from "./way.ts";

/** Somebody signed in or out: who it is is found out, and an answer that is on its way is old. */
export function doubt(standing: Standing): void {
  if (standing.askedAt !== undefined) standing.isStaleAnswer = true;
  else if (standing.active || standing.beside) standing.ask();
}

/** token() has answered; `own` is whose it counts for. */
export function answer(standing: Standing, token: string | null, own: string | null): void {
  const { way, active, beside, isStaleAnswer } = standing;
  end(standing);
  if (isStaleAnswer) return standing.ask();
  for (const link of [active, beside]) {
    if (!link || (link === beside && !link.muted && !active)) continue;
    if (!isOf(link, own)) {
      standing.close(beside);
      return dialWith(standing, token, own);
    }
    standing.do({ is: "known", link, token: own });
  }
  if (way.at === "asking") askedFor(standing, way, token, own);
  else if (way.at === "refused" && token !== way.token) dialWith(standing, token, own);
  keepAsking(standing, own);
}

function end(standing: Standing): void {
  standing.askedAt = undefined;
  standing.isLate = standing.isStaleAnswer = false;
}

/** An anonymous socket may become a user's, and a user's socket nobody else's. */
const isOf = ({ token }: Link, own: string | null): boolean =>
  userOf(token) === null || userOf(token) === userOf(own);

function askedFor(
  standing: Standing,
  { refused }: Way & { at: "asking" },
  token: string | null,
  own: string | null,
): void {
  if (refused) {
    if (token === refused.handshake && own === refused.token) return standing.refuse(token);
    // Once it is tried at once: what was good may be over.
    if (refused.provenAt === undefined || standing.attempts > 0) return standing.again();
    standing.attempts = 1;
  }
  dialWith(standing, token, own);
}

/** token() has thrown. */
export function noAnswer(standing: Standing, reason: string): void {
  end(standing);
  const { way } = standing;
  const isDoubtful = standing.dropMuted(reason);
  if (way.at === "asking" || isDoubtful) {
    if (!standing.active) standing.why = { reason };
    standing.again();
  }
  keepAsking(standing);
}

/** For a token that ends: until there is another one. */
function keepAsking(standing: Standing, own?: string | null): void {
  if (!standing.ending) return;
  const { of, endsAt } = standing.ending;
  const askAt = standing.at.now + POLL_MS;
  const isOver = (own !== undefined && own !== of) || askAt >= endsAt;
  standing.ending = isOver ? undefined : { of, endsAt, askAt };
}
