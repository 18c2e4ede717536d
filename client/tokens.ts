import type { Timers } from "./timers.ts";

export type Token = string | null | undefined;

/** A token() that hangs is asked again. */
const TOKEN_MS = 10_000;

/** Asks the application for its token. */
export class Tokens {
  #asked = 0;

  constructor(
    private readonly timers: Timers,
    private readonly token?: () => Token | Promise<Token>,
  ) {}

  /** Rejects with what token() throws, or with a TimeoutError. */
  ask(): Promise<Token> {
    if (!this.token) return Promise.resolve(null);
    const name = `token ${++this.#asked}`;
    const late = Promise.withResolvers<never>();
    this.timers.set(name, TOKEN_MS, () => late.reject(new DOMException("", "TimeoutError")));
    const asked = new Promise<Token>((resolve) => resolve(this.token!()));
    return Promise.race([asked, late.promise]).finally(() => this.timers.clear(name));
  }
}
