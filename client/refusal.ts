import type { Carrier } from "./carrier.ts";
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
  readonly #carrier: Carrier;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  /** A link was closed with this code: where another attempt may help, it is dialled again. */
  async consider(link: Link, code: number | undefined, reason: string): Promise<void> {
    const carrier = this.#carrier;
    if (FINAL.includes(code!)) return this.#begin(link, code, reason);
    if (code !== UNAUTHORIZED) return carrier.again(code, reason);
    const { handshake, token, provenAt } = link;
    const asked = await carrier.ask().catch(() => handshake);
    if (carrier.isBusy) return;
    const isSame = asked === handshake && carrier.tokenOf(asked) === token;
    if (isSame) this.#begin(link, code, reason);
    else if (provenAt) carrier.dial();
    else carrier.again(code, reason);
  }

  #begin({ handshake }: Link, code: number | undefined, reason: string): void {
    this.token = handshake;
    this.#carrier.refused(code, reason);
    this.#wait();
  }

  #wait(): void {
    this.#carrier.clock.later("poll", POLL_MS, () => this.poll());
  }

  /** Looks whether there is another token now. */
  async poll(): Promise<void> {
    const carrier = this.#carrier;
    const token = await carrier.ask().catch(() => this.token);
    if (this.token === undefined || carrier.isBusy) return;
    if (token !== this.token) carrier.retry();
    else this.#wait();
  }
}
