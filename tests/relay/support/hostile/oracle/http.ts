import { numberOf } from "../network/frames.ts";
import { Violation } from "../invariants.ts";
import { claimsOf } from "../world/people.ts";
import { PUBLISHABLE_KEY } from "../../../../support/tokens.ts";
import type { Court } from "./court.ts";
import { maySend, mayUsePublic } from "./policy.ts";

/** One message of an HTTP broadcast, as Realtime reads it. */
interface Posted {
  topic: string;
  isPrivate: boolean;
  n: number;
}

const TRUE = [true, "true", "1"];
const FALSE = [false, "false", "0", null, undefined];

/** What an HTTP broadcast comes to at Realtime; undefined where it takes none of it. */
export function readPost(url: URL, body: string): Posted[] | undefined {
  const path = /\/api\/broadcast(?:\/([^/]+)\/events\/[^/]+)?$/.exec(url.pathname);
  const value = JSON.parse(body);
  if (path?.[1] !== undefined) {
    // The body's word counts against the query's, and either may be text.
    const word = Object.hasOwn(value, "private")
      ? value.private
      : url.searchParams.getAll("private").at(-1);
    const isPrivate = word === true || word === "true";
    return [{ topic: decodeURIComponent(path[1]), isPrivate, n: numberOf(body)! }];
  }
  const messages = value.messages as Record<string, unknown>[];
  if (messages.some((it) => ![...TRUE, ...FALSE].includes(it.private as boolean))) return undefined;
  return messages.map((it) => ({
    topic: it.topic as string,
    isPrivate: TRUE.includes(it.private as boolean),
    n: (it.payload as { n: number }).n,
  }));
}

/** Realtime by HTTP, and what is looked at there. */
export class HttpJudge {
  /** How Realtime would have read what was posted to the relay, by the number of the message. */
  readonly posted = new Map<number, Posted>();

  constructor(readonly world: Court) {}

  readonly fetch: typeof fetch = async (input, init = {}) => {
    const { realtime, time, settings: { up, down } } = this.world;
    const url = new URL(String(input));
    const headers = new Headers(init.headers);
    const body = typeof init.body === "string" ? init.body : new TextDecoder().decode(
      init.body as Uint8Array,
    );
    this.world.look(() => this.#check(url, headers, body));
    await new Promise<void>((resolve, reject) => {
      const answered = () => {
        if (init.signal?.aborted) reject(init.signal.reason);
        else if (realtime.weather.dial !== "ok") reject(new TypeError("connection refused"));
        else resolve();
      };
      time.after(up + down, () => time.arrive(answered));
    });
    const messages = readPost(url, body);
    if (!messages) return new Response("{}", { status: 422 });
    const token = headers.get("authorization")?.slice("Bearer ".length) ?? "";
    const role = claimsOf.get(token)?.role ?? "anon";
    for (const { topic, isPrivate, n } of messages) {
      const name = `realtime:${topic}`;
      if (!isPrivate || realtime.rights.may(name, role, "write")) realtime.post(name, isPrivate, n);
    }
    return new Response(null, { status: 202 });
  };

  /** A plain GET of the socket's URL was answered so. */
  verdict(credential: string, status: number | undefined, body: string): void {
    if (body.includes(credential)) throw new Violation("upstream", "a verdict that tells a key");
    const { anonymous } = this.world.settings;
    const isGood = (credential === PUBLISHABLE_KEY && anonymous !== "refuse") ||
      (claimsOf.get(credential)?.expiresAt ?? 0) > this.world.time.now;
    const isRight = isGood ? status === 426 || status === 503 : [401, 403, 503].includes(status!);
    if (isRight) return;
    throw new Violation("upstream", `${isGood ? "good" : "bad"} credentials are told ${status}`);
  }

  #check(url: URL, headers: Headers, body: string): void {
    const { apikey, authorization, "content-type": _, ...rest } = Object.fromEntries(headers);
    const token = authorization?.slice("Bearer ".length);
    if (apikey !== PUBLISHABLE_KEY || Object.keys(rest).length > 0) {
      throw new Violation("upstream", `an HTTP broadcast with ${Object.keys(rest)}`);
    }
    if (token !== undefined && !claimsOf.has(token)) {
      throw new Violation("upstream", "an HTTP broadcast with a token that is not good");
    }
    if (token === undefined && this.world.settings.anonymous !== "allow") {
      throw new Violation("upstream", "an HTTP broadcast of nobody's");
    }
    const role = claimsOf.get(token ?? "")?.role ?? "anon";
    for (const { topic, isPrivate, n } of readPost(url, body) ?? []) {
      this.#holdPolicy(role, topic, isPrivate);
      const posted = this.posted.get(n);
      if (!posted) throw new Violation("upstream", "an HTTP broadcast that nobody has posted");
      if (posted.topic === topic && posted.isPrivate === isPrivate) continue;
      const [from, to] = [posted.isPrivate, isPrivate].map((it) => it ? "private" : "public");
      throw new Violation("upstream", `a ${from} HTTP broadcast went on as a ${to} one`);
    }
  }

  #holdPolicy(role: string, topic: string, isPrivate: boolean): void {
    const { policies } = this.world;
    const may = maySend(policies, role, `realtime:${topic}`) &&
      (isPrivate || mayUsePublic(policies, role));
    if (may) return;
    const kind = isPrivate ? "private" : "public";
    throw new Violation("upstream", `a ${kind} HTTP broadcast to ${topic} as ${role}`);
  }
}
