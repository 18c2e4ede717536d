import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import type { Reply } from "./ask.ts";
import { RelayError } from "../../errors.ts";
import { loadJose } from "./jose.ts";

/** For an unknown kid, or after a failure, the set is asked for anew, but not more often than this. */
const PAUSE_MS = 30_000;

/** Before the first set: an Auth server that starts beside the relay is soon there. Doubles. */
const FIRST_PAUSE_MS = 5_000;

/** A key that the project took back is believed for so long; as jose has it. */
const FRESH_MS = 600_000;

/** While the set cannot be renewed: as long as a token lives. */
const STALE_MS = 3_600_000;

/** The keys of a JWK set, as it was last read. */
export interface Jwks {
  find: JWTVerifyGetKey;
  /** Until when they count as they are, in ms since the epoch; -Infinity where none were read. */
  freshUntil(): number;
}

/**
 * Finds a token's key in a JWK set, which is asked for when the first token needs it.
 * One question is under way at a time, and the next may follow 30 s after its answer, whatever that
 * was: whoever makes up key ids makes the relay ask no more. Only where no set was read yet and the
 * server gave no answer, or a 5xx, it is asked after 5, 10, 20 and then every 30 s, so that a relay
 * that started first does not keep everybody out for longer. Throws `auth_unavailable` where the set
 * cannot be had, and as createLocalJWKSet() where it does not hold the key. `onRead` is told of
 * each set.
 */
export function createJwks(
  askForSet: () => Promise<Reply>,
  name: string,
  now: () => number,
  onRead: () => void,
): Jwks {
  let keys: JWTVerifyGetKey | undefined;
  let readAt = -Infinity;
  let triedAt = -Infinity;
  let pause = 0;
  let retry = FIRST_PAUSE_MS;
  let failure: RelayError | undefined;
  let question: Promise<void> | undefined;

  /** False where the clock was set back. */
  const isWithin = (ms: number, since: number) => now() >= since && now() - since < ms;

  async function ask(): Promise<void> {
    let status = 0;
    pause = PAUSE_MS;
    try {
      const reply = await askForSet();
      status = reply.status;
      keys = await toKeys(reply, name);
      readAt = now();
      onRead();
      failure = undefined;
    } catch (error) {
      failure = error as RelayError;
      const isStarting = !keys && (status === 0 || status >= 500);
      if (isStarting) [pause, retry] = [retry, Math.min(2 * retry, PAUSE_MS)];
    }
    triedAt = now();
  }

  /** Asks, or waits for who asks; where it is too early for that, nothing. */
  async function renew(): Promise<void> {
    if (!question && isWithin(pause, triedAt)) return;
    await (question ??= ask().finally(() => question = undefined));
  }

  async function find(...[header, token]: Parameters<JWTVerifyGetKey>) {
    if (!isWithin(FRESH_MS, readAt)) await renew();
    if (!keys || !isWithin(STALE_MS, readAt)) throw failure!;
    try {
      return await keys(header, token);
    } catch (error) {
      const { errors } = await loadJose();
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await renew();
      if (failure) throw failure;
      return await keys(header, token);
    }
  }

  return { find: find as JWTVerifyGetKey, freshUntil: () => readAt + FRESH_MS };
}

async function toKeys({ status, body }: Reply, name: string): Promise<JWTVerifyGetKey> {
  const { createLocalJWKSet } = await loadJose();
  try {
    if (status === 200) return createLocalJWKSet(body as JSONWebKeySet);
  } catch {
    // No JWK set: no better than another status.
  }
  throw new RelayError("auth_unavailable", `${name} could not be read.`);
}
