import type { User } from "./authenticate.ts";
import type { Config } from "./config.ts";
import { RelayError } from "./errors.ts";

/** Asks the project's Auth server whether it made this token. Throws a RelayError if it did not. */
export type AskAuthServer = (token: string, user: User) => Promise<void>;

/** More would make the relay an amplifier of whoever sends it tokens. */
const MAX_QUESTIONS = 8;
const QUESTION_TIMEOUT_MS = 2_000;
/** An answer is believed for this long, and an approval never past the token's own exp. */
const ANSWER_LIFE_MS = 60_000;
/** Answers kept: about 200 kB. The oldest goes first. */
const MAX_ANSWERS = 1_000;

interface Answer {
  until: number;
  rejected: boolean;
}

/**
 * For a project that signs with HS256 and whose secret the relay was not given. Answers are cached by
 * the token's SHA-256, and equal tokens share one question. supabase-js is loaded with the first.
 */
export function createAskAuthServer(
  config: Config,
  fetch: typeof globalThis.fetch,
  now: () => number,
): AskAuthServer {
  const answers = new Map<string, Answer>();
  const open = new Map<string, Promise<Answer>>();

  async function ask(hash: string, token: string, user: User): Promise<Answer> {
    const approved = await isApproved(config, fetch, token, user);
    const until = approved ? Math.min(now() + ANSWER_LIFE_MS, user.expiresAt * 1000) : now() +
      ANSWER_LIFE_MS;
    const answer = { until, rejected: !approved };
    if (answers.size >= MAX_ANSWERS) {
      answers.delete(answers.keys().next().value!);
    }
    answers.set(hash, answer);
    return answer;
  }

  return async (token, user) => {
    const hash = await sha256(token);
    let answer = answers.get(hash);
    if (!answer || answer.until <= now()) {
      answers.delete(hash);
      let question = open.get(hash);
      if (!question) {
        if (open.size >= MAX_QUESTIONS) {
          throw new RelayError("too_many_checks", "Too many tokens wait for the Auth server.");
        }
        question = ask(hash, token, user).finally(() => open.delete(hash));
        open.set(hash, question);
      }
      answer = await question;
    }
    if (answer.rejected) {
      throw new RelayError("token_rejected", "The Auth server said no.");
    }
  };
}

async function isApproved(
  config: Config,
  fetch: typeof globalThis.fetch,
  token: string,
  user: User,
): Promise<boolean> {
  const { createClient } = await import("@supabase/supabase-js");
  const signal = AbortSignal.timeout(QUESTION_TIMEOUT_MS);
  const client = createClient(config.supabaseUrl.href, config.upstreamKey, {
    auth: {
      persistSession: false,
      autoRefreshToken: false,
      detectSessionInUrl: false,
    },
    global: { fetch: (input, init) => fetch(input, { ...init, signal }) },
  });
  const { data, error } = await client.auth.getUser(token);
  if (!error) return data.user.id === user.id;
  if (error.status === 401 || error.status === 403) return false;
  throw new RelayError("auth_unavailable", "The Auth server did not answer the question.");
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
