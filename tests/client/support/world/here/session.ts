import type { World } from "../world.ts";

/** The user of a token; null for a key, or none. */
export function userOf(token: unknown): string | null {
  return claimsOf(token).sub ?? null;
}

/** Milliseconds since the epoch. */
export const expiryOf = (token: unknown): number => (claimsOf(token).exp ?? Infinity) * 1000;

const known = new Map<unknown, { sub?: string; exp?: number }>();

function claimsOf(token: unknown): { sub?: string; exp?: number } {
  if (typeof token !== "string" || !token.includes(".")) return {};
  const claims = known.get(token) ?? JSON.parse(atob(token.split(".")[1]));
  known.set(token, claims);
  if (known.size > 1_000) known.clear();
  return claims;
}

/** The publishable key, which supabase-js sends where nobody is signed in. */
export const KEY = "sb_publishable_x";

/** A session is asked for a new token this long before its end, as supabase-js does. */
const REFRESH_MS = 90_000;

/** Who is signed in, and what `token()` says about it. */
export class Session {
  user: string | null = null;
  #token: string | null = null;
  #count = 0;
  /** What token() gave since the last sign-out that the client was told. */
  readonly given = new Set<string>();
  #mintedAt = new Map<string, number>();
  #signedOutAt = -Infinity;
  /** When the client learned last that somebody else is signed in. */
  #toldAt = -Infinity;
  /** How often it did. */
  #tellings = 0;
  /** Who is signed in as far as the client was told. */
  known: string | null = null;
  /** Undefined where it was told in this very moment: what it sends now goes before that. */
  get knownBefore(): string | null | undefined {
    return this.#toldAt === this.world.time.now ? undefined : this.known;
  }
  /** Times in which somebody else was signed in, or nobody, and an old SDK had no frame to say so. */
  readonly unsaid: { from: number; to: number }[] = [];
  lastAskedAt = 0;
  /** When the newest token was made. */
  mintedAt = 0;
  /** When the calls began that are not answered yet. */
  readonly open = new Set<{ at: number; answer: () => void }>();

  constructor(readonly world: World) {}

  signIn(user: string | null): void {
    this.user = user;
    this.#noteUnsaid();
    this.#token = user && this.#mint(user);
  }

  /** What the application itself holds, refreshed in time by its clock. */
  current(): string | null {
    const { time } = this.world;
    const now = time.now + time.skew;
    if (this.user && expiryOf(this.#token) - REFRESH_MS < now) {
      const isYoung = time.now - this.#mintedAt.get(this.#token!)! < 5_000;
      if (!isYoung) this.#token = this.#mint(this.user);
    }
    return this.#token;
  }

  /** What the transport is given as `token`. */
  token(): Promise<string | null> {
    const { time, weather, ledger } = this.world;
    time.isDeep = true;
    this.lastAskedAt = time.now;
    const fault = weather.now("token");
    if (fault?.answer === "throws") {
      const error = new Error("no session");
      // As an async function does, or one that is none.
      if (this.world.chance() < 0.5) return Promise.reject(error);
      throw error;
    }
    return new Promise((resolve) => {
      const early = fault?.answer === "late" ? this.current() : undefined;
      const tellings = this.#tellings;
      const call = {
        at: time.now,
        answer: () => {
          this.open.delete(call);
          time.isDeep = true;
          const value = weather.now("token")?.answer === "null" ? null : early ?? this.current();
          // What was asked before the application itself named somebody says nothing of who that is.
          const isOld = typeof early === "string" && tellings < this.#tellings &&
            !this.world.hasTwin;
          if (!isOld) this.#give(value);
          resolve(value && this.world.setup.blanks ? ` ${value}\n` : value);
        },
      };
      this.open.add(call);
      if (this.open.size > 1 && !this.world.hasTwin) {
        ledger.breaks("tokenOnce", `token() was called while ${this.open.size - 1} was open`);
      }
      if (fault?.answer === "hangs") return;
      if (!fault || fault.answer === "null") call.answer();
      else time.later(fault.lateMs ?? 3_000, call.answer, "arrival");
    });
  }

  /** Those that hung are answered. */
  release(): void {
    for (const { answer } of this.open) answer();
  }

  #give(token: string | null): void {
    // Before anybody was signed in null says nothing about who signs in by the application's joins.
    if (token === null && !this.#wasGiven) return;
    this.#wasGiven = true;
    this.#tell(userOf(token));
    if (token === null) this.signedOut();
    else this.given.add(token);
    this.#lastGiven = String(token);
  }
  #wasGiven = false;
  #lastGiven = "";

  /** The client learns who is signed in. */
  #tell(user: string | null): void {
    if (user === this.known) return;
    this.#toldAt = this.world.time.now;
    this.#tellings++;
    if (this.known !== null) {
      this.world.ledger.switches.push(this.world.time.now);
      this.world.application.track = undefined;
      this.world.application.isTrackDoubtful = true;
    }
    this.known = user;
    this.#noteUnsaid();
    this.world.ledger.note(`known: ${user}`);
  }

  #noteUnsaid(): void {
    const { time: { now }, setup } = this.world;
    const last = this.unsaid.at(-1);
    if (last?.to === Infinity) last.to = now;
    if (setup.sdk === "old" && this.user !== this.known) {
      this.unsaid.push({ from: now, to: Infinity });
    }
  }

  signedOut(): void {
    this.given.clear();
    this.#signedOutAt = this.world.time.now;
  }

  /** The application itself pushes a token. */
  pushed(token: unknown): void {
    const user = userOf(token);
    this.#tell(user);
    if (user === null) this.signedOut();
    else this.joined(token);
  }

  /** The application itself joins with a token, which counts where it is younger than the sign-out. */
  joined(token: unknown): void {
    if (userOf(token) === null) return;
    const isYounger = (this.#mintedAt.get(String(token)) ?? 0) >= this.#signedOutAt;
    if (!isYounger) return;
    this.given.add(String(token));
    // Old joins name who signed in first: token() has given a newer one.
    const minted = [...this.#mintedAt.keys()];
    if (minted.indexOf(String(token)) >= minted.indexOf(this.#lastGiven)) this.#tell(userOf(token));
  }

  /** A token leaves the machine. */
  leaves(token: unknown, where: string): void {
    if (userOf(token) === null || this.given.has(String(token))) return;
    // Its answer is no more than on its way.
    if (this.#signedOutAt === this.world.time.now) return;
    // Of two sessions one may have been told of a sign-out that the other learns of later.
    if (this.world.hasTwin) return;
    this.world.ledger.breaks(
      "tokens",
      `a token of ${
        userOf(token)
      } left in ${where}, which token() has not given since the sign-out`,
    );
  }

  #mint(user: string): string {
    const { time, setup } = this.world;
    const now = time.now + setup.databaseSkewMs;
    const part = (value: unknown) => btoa(JSON.stringify(value)).replaceAll("=", "");
    const exp = Math.floor(now / 1000) + setup.tokenLifeS;
    const claims = { sub: user, exp, role: "authenticated", jti: ++this.#count };
    const token = `${part({ alg: "HS256" })}.${part(claims)}.x`;
    this.#mintedAt.set(token, this.mintedAt = time.now);
    return token;
  }
}
