import type { Connection } from "./connection.ts";
import type { Link } from "./link.ts";
import { UNAUTHORIZED } from "./token.ts";

/** How often a refused client looks for another token. */
const POLL_MS = 5_000;

/** Codes after which the same attempt would be refused again. */
const FINAL = [4400, 4403, 4409];

/** Nothing is dialled until the token changes, retry() is called or the page becomes visible again. */
export class Refusal {
  /** The token that was refused, null where none was sent; undefined once a link is live. */
  token?: string | null;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** A link was closed with this code: where another attempt may help, it is dialled again. */
  async consider(link: Link, code: number | undefined, reason: string): Promise<void> {
    const connection = this.#connection;
    if (FINAL.includes(code!)) return this.#begin(link, code, reason);
    if (code !== UNAUTHORIZED) return connection.again(code, reason);
    const { handshake, token, provenAt } = link;
    const asked = await connection.ask().catch(() => handshake);
    if (connection.isBusy) return;
    const isSame = asked === handshake && connection.tokenOf(asked) === token;
    if (isSame) this.#begin(link, code, reason);
    else if (provenAt) connection.dial();
    else connection.again(code, reason);
  }

  #begin({ handshake }: Link, code: number | undefined, reason: string): void {
    this.token = handshake;
    this.#connection.refused(code, reason);
    this.#wait();
  }

  #wait(): void {
    this.#connection.clock.later("poll", POLL_MS, () => this.poll());
  }

  /** Looks whether there is another token now. */
  async poll(): Promise<void> {
    const connection = this.#connection;
    const token = await connection.ask().catch(() => this.token);
    if (this.token === undefined || connection.isBusy) return;
    if (token !== this.token) connection.retry();
    else this.#wait();
  }
}
