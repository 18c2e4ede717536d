import type { Config } from "../../supabase/functions/relay/config/config.ts";
import { addressOf, wholeAddressOf } from "../../supabase/functions/relay/door/address.ts";
import { refuseSecretKeys } from "../../supabase/functions/relay/door/credential.ts";
import { unescaped, wordsOf } from "../../supabase/functions/relay/door/places.ts";
import { hideSecrets, RelayError, toRelayError } from "../../supabase/functions/relay/errors.ts";
import { Bucket } from "../../supabase/functions/relay/peer/budget.ts";
import type { LogLine } from "../../supabase/functions/relay/runtime.ts";
import { json, withCors } from "../../supabase/functions/relay/say/http.ts";
import type { Caller } from "./headers.ts";

/** Of one address: twenty a second, and what a page asks for at once. */
const RATE = { perSecond: 20, burst: 1_200 };
const MAX_ADDRESSES = 10_000;

/** Of a path the log has as much. */
const MAX_PATH = 200;

/** Decides who may have something passed on to the project. */
export class Judge {
  readonly #buckets = new Map<string, Bucket>();

  constructor(readonly config: Config) {}

  /**
   * Throws `secret_key` for a key that is no client's, `bad_request` for what carries too many tokens or
   * is too long, `too_many_handshakes` at the rate.
   */
  check(target: string, headers: Headers): void {
    const url = URL.parse(target, "http://project");
    if (!url) throw new RelayError("bad_request", "The request's target makes no URL.");
    refuseSecretKeys(wordsOf(url, headers), this.config);
    const address = addressOf(headers, this.config.trustedProxies);
    if (address !== undefined && !this.#bucketOf(address).take()) {
      throw new RelayError("too_many_handshakes", "A bound of this worker is reached.");
    }
  }

  #bucketOf(address: string): Bucket {
    let bucket = this.#buckets.get(address);
    if (!bucket) {
      if (this.#buckets.size >= MAX_ADDRESSES) {
        this.#buckets.delete(this.#buckets.keys().next().value!);
      }
      bucket = new Bucket(RATE.perSecond, RATE.burst, Date.now);
      this.#buckets.set(address, bucket);
    }
    return bucket;
  }
}

/** Who asks: what trusted proxies wrote, else what the connection itself tells. */
export function callerOf(headers: Headers, trustedProxies: number, itself: Caller): Caller {
  if (trustedProxies === 0) return itself;
  const last = (name: string) => headers.get(name)?.split(",").at(-1)?.trim();
  return {
    address: wholeAddressOf(headers, trustedProxies),
    host: last("x-forwarded-host") ?? itself.host,
    protocol: last("x-forwarded-proto") ?? itself.protocol,
  };
}

/** The answer to what is not passed on; a page of an allowed origin may read why. */
export function refusalOf(thrown: unknown, headers: Headers, config: Config): Response {
  const error = toRelayError(thrown);
  return withCors(json(error.status, error.toJSON()), headers.get("origin"), config);
}

/** One line a request, without its query, keys and tokens. `ms`: since it came. */
export function passLine(method: string, target: string, status: number, ms: number): LogLine {
  const [path] = target.split("?", 1);
  const shown = shownOf(path).slice(0, MAX_PATH);
  return { event: "pass", method, path: shown, status, ms: Math.round(ms) };
}

/** The path as it came, unless something in it looks like a key or a token. */
function shownOf(path: string): string {
  const plain = unescaped(path);
  const shown = hideSecrets(plain);
  return shown === plain ? path : shown;
}
