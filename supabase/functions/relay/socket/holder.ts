import type { Authenticator } from "../door/authenticate.ts";
import { authorizeKey } from "../door/authorize.ts";
import type { Identity } from "../door/identity.ts";
import { subjectOf } from "../door/token.ts";
import type { Config } from "../config/config.ts";
import { oneOf } from "../config/keys.ts";
import { RelayError } from "../errors.ts";

export interface HolderOptions {
  /** Whom the handshake named. */
  identity: Identity;
  /** True where a frame named them, and not the handshake. Default: false. */
  namedInBand?: boolean;
  config: Config;
  authenticator: Pick<Authenticator, "authenticate">;
}

/**
 * Whose socket it is, over its life. A viewer may become a user, a user never another one; of a
 * user's tokens the one that lives longest counts.
 */
export class Holder {
  #identity: Identity;
  /** A public key signs out only a user whom a frame named; the handshake's user stays. */
  #namedInBand: boolean;

  constructor(readonly options: HolderOptions) {
    this.#identity = options.identity;
    this.#namedInBand = options.namedInBand ?? false;
  }

  get identity(): Identity {
    return this.#identity;
  }

  /**
   * Takes over a token that a frame carries; `pay` is called before a signature is checked. Async
   * only then: resolves with the newer identity, where it is one. Throws, or rejects with, a
   * RelayError.
   */
  adopt(token: unknown, pay: () => void): undefined | Promise<Identity | undefined> {
    const { config, authenticator } = this.options;
    if (typeof token !== "string") return;
    if (this.#identity.kind === "user" && token === this.#identity.token) return;
    authorizeKey(token, config);
    if (token.startsWith("sb_") || oneOf(config.publicKeys, token)) {
      if (this.#namedInBand) throw new RelayError("signed_out", "The user signed out.");
      return;
    }
    pay();
    return authenticator.authenticate({ kind: "token", token }).then((next) => this.#become(next));
  }

  /** True for a token, valid or not, that names this user. */
  names(token: unknown): boolean {
    const { config } = this.options;
    return this.#identity.kind === "user" &&
      subjectOf(String(token), config) === this.#identity.who;
  }

  #become(next: Identity): Identity | undefined {
    if (next.kind !== "user") return;
    const identity = this.#identity;
    if (identity.kind === "user") {
      if (next.who !== identity.who) {
        throw new RelayError("token_subject", "The token names another user.");
      }
      if (next.expiresAt <= identity.expiresAt) return;
    } else this.#namedInBand = true;
    return this.#identity = next;
  }
}
