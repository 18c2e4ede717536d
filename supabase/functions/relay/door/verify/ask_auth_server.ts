import type { User } from "../identity.ts";
import type { Reply } from "./ask.ts";
import { askAuth } from "./ask_auth.ts";
import type { Config } from "../../config/config.ts";
import { RelayError } from "../../errors.ts";
import { sha256 } from "./sha256.ts";

/** Asks the project's Auth server whether it made this token. Throws a RelayError if it did not. */
export type AskAuthServer = (token: string, user: User) => Promise<void>;

/** More would make the relay an amplifier of whoever sends it tokens. */
const MAX_QUESTIONS = 8;
/** So many failures in a row are no accident: then one token at a time finds out whether they last. */
const MAX_FAILURES = 3;
const PAUSE_MS = 5_000;
/**
 * How servers refuse a request that they do not read, as nginx and Kong one with a token of 8 kB: that
 * tells of the token, which a stranger chose, and not of the server.
 */
const UNREADABLE = [400, 413, 414, 431, 494];
/** An answer is believed for this long, and an approval never past the token's own exp. */
const ANSWER_LIFE_MS = 60_000;
/** Answers kept of each kind, so that no refused token displaces an approved one: about 200 kB. */
const MAX_ANSWERS = 1_000;

/**
 * For a project that signs with HS256 and whose secret the relay was not given. Answers are cached by
 * the token's SHA-256, and equal tokens share one question. supabase-js would ask the same by 9 MB of
 * packages, more than all others of the function, which take twice as long to load as these.
 */
export function createAskAuthServer(
  config: Config,
  fetch: typeof globalThis.fetch,
  now: () => number,
): AskAuthServer {
  const approved = new Answers(now);
  const rejected = new Answers(now);
  const open = new Map<string, Promise<void>>();
  let failures = 0;
  let failedAt = -Infinity;

  /** Throws where a further question would only burden who cannot answer. */
  function checkRoom(): void {
    const isPaused = now() >= failedAt && now() - failedAt < PAUSE_MS;
    if (failures >= MAX_FAILURES && (isPaused || open.size > 0)) {
      throw new RelayError("auth_unavailable", "The Auth server has failed several times.");
    }
    if (open.size >= MAX_QUESTIONS) {
      throw new RelayError("too_many_checks", "Too many tokens wait for the Auth server.");
    }
  }

  async function ask(hash: string, token: string, user: User): Promise<void> {
    let status = 0;
    try {
      const reply = await askAuth("user", token, config, fetch);
      status = reply.status;
      const until = now() + ANSWER_LIFE_MS;
      if (approves(reply, user)) approved.add(hash, Math.min(until, user.expiresAt * 1000));
      else rejected.add(hash, until);
      failures = 0;
    } catch (error) {
      if (!UNREADABLE.includes(status)) {
        failures++;
        failedAt = now();
      }
      throw error;
    }
  }

  return async (token, user) => {
    const hash = await sha256(token);
    if (!approved.has(hash) && !rejected.has(hash)) {
      let question = open.get(hash);
      if (!question) {
        checkRoom();
        question = ask(hash, token, user).finally(() => open.delete(hash));
        open.set(hash, question);
      }
      await question;
    }
    if (rejected.has(hash)) throw new RelayError("token_rejected", "The Auth server said no.");
  };
}

function approves({ status, body }: Reply, { id }: User): boolean {
  if (status === 401 || status === 403) return false;
  const named = status === 200 ? (body as { id?: unknown } | undefined | null)?.id : undefined;
  if (typeof named === "string") return named === id;
  throw new RelayError("auth_unavailable", "The Auth server did not answer the question.");
}

/** Hashes of tokens, each until a time in milliseconds; the oldest goes first. */
class Answers {
  readonly #until = new Map<string, number>();

  constructor(readonly now: () => number) {}

  has(hash: string): boolean {
    const until = this.#until.get(hash) ?? 0;
    if (until > this.now()) return true;
    this.#until.delete(hash);
    return false;
  }

  add(hash: string, until: number): void {
    if (this.#until.size >= MAX_ANSWERS) this.#until.delete(this.#until.keys().next().value!);
    this.#until.set(hash, until);
  }
}
