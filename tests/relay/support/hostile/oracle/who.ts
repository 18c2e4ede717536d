/** Whom the relay is to take a client for, by docs/PROTOCOL.md: what each token that it shows does. */
import { claimsOf } from "../world/people.ts";
import { BAD_TOKENS } from "../world/people.ts";

/** What a token in a frame comes to. */
export type Effect = "nothing" | "becomes" | "is refused" | "ends the socket";

export class Who {
  role = "anon";
  sub: string | undefined;
  token: string | undefined;
  expiresAt = Infinity;
  /** When a frame last changed what it may do. */
  changedAt: number | undefined;
  /** Every good token that it has shown. */
  readonly shown = new Set<string>();
  /** When a frame named the user of a socket that waited for that. */
  namedAt: number | undefined;
  /** The role of that user. */
  namedAs = "anon";
  readonly waits: boolean;
  /** A frame has named its user. */
  isNamedInBand = false;
  /** Who it was before the token that it showed last, and until when that is checked. */
  #before: Partial<Who> = {};
  #checkedUntil = 0;

  /** `waits` where nobody is there until a frame names them. */
  constructor(
    readonly now: () => number,
    readonly takesEffectAt: () => number,
    { token, waits }: { token: string | undefined; waits: boolean },
  ) {
    this.waits = waits;
    if (token !== undefined) this.#take(token);
  }

  get isUser(): boolean {
    return this.sub !== undefined;
  }

  /** A frame carries this token. */
  show(token: string, event: "phx_join" | "access_token"): Effect {
    if (token === this.token) return "nothing";
    if (token === BAD_TOKENS.secret || token === BAD_TOKENS.service) return "ends the socket";
    if (token.startsWith("sb_")) return this.isNamedInBand ? "ends the socket" : "nothing";
    const claims = claimsOf.get(token);
    if (!claims || claims.expiresAt <= this.now()) {
      // Of an old token of the same user a join takes the newest in its place.
      const isOwn = claims && claims.sub === this.sub;
      return isOwn && event === "phx_join" ? "nothing" : "is refused";
    }
    if (this.sub === undefined) return this.#take(token, true);
    if (claims.sub !== this.sub) return event === "phx_join" ? "is refused" : "ends the socket";
    return claims.expiresAt <= this.expiresAt ? "nothing" : this.#take(token);
  }

  /** The worker stands still until then: a token that is over by the end of its check is none. */
  stands(until: number): void {
    if (this.isLost(this.#checkedUntil, this.expiresAt, until)) Object.assign(this, this.#before);
  }

  isLost(checkedUntil: number, expiresAt: number, until: number): boolean {
    return this.now() < checkedUntil && checkedUntil <= until && expiresAt <= until;
  }

  #take(token: string, isNaming = false): Effect {
    const { sub, role, expiresAt } = claimsOf.get(token)!;
    this.#before = { ...this };
    this.#checkedUntil = this.takesEffectAt();
    const isFirst = this.shown.size === 0 && (this.waits || !isNaming);
    if (isFirst && this.waits) {
      this.namedAt = this.takesEffectAt();
      this.namedAs = role;
    }
    if (!isFirst && role !== this.role) this.changedAt = this.takesEffectAt();
    this.isNamedInBand ||= isNaming;
    Object.assign(this, { sub, role, expiresAt, token });
    this.shown.add(token);
    return "becomes";
  }
}
