import { fieldsOf, type Message, numberOf, readPush, sizeOf } from "../network/frames.ts";
import { Violation } from "../invariants.ts";
import { configOf } from "../realtime/emission.ts";
import type { Line } from "../realtime/line.ts";
import { PROJECT } from "../world/project.ts";
import { BAD_TOKENS, claimsOf } from "../world/people.ts";
import { PUBLISHABLE_KEY } from "../../../../support/tokens.ts";
import { askOf } from "../realtime/ask.ts";
import type { Court } from "./court.ts";
import { holdPush } from "./limits.ts";
import { mayJoin } from "./policy.ts";
import { holdDial } from "./waiting.ts";

const SECRETS = [BAD_TOKENS.secret, BAD_TOKENS.service, BAD_TOKENS.forged, BAD_TOKENS.expired];

/** A frame above this has no token in it: the world makes no such join. */
const SMALL = 16_384;

/** What a frame has beside the padding of its payload. */
const FRAME = 1_000;

/** Judges what the relay sends to Realtime. */
export class UpstreamJudge {
  readonly #left = new Map<string, number>();
  /** When the relay last handed Realtime a leave. */
  lastLeftAt = -Infinity;
  /** The last number that each client has sent Realtime on each topic. */
  readonly #handed = new Map<string, number>();

  constructor(readonly world: Court) {}

  /** When the relay last handed Realtime a leave of this topic. */
  leftAt(topic: string): number {
    return this.#left.get(topic) ?? -Infinity;
  }

  /** The last ref of a client's that each socket was sent. */
  readonly #refs = new WeakMap<Line, number>();

  dials({ origin, pathname, searchParams }: URL): void {
    const { apikey, vsn, log_level: _, ...rest } = Object.fromEntries(searchParams);
    const isRight = origin === PROJECT.replace("http", "ws") &&
      pathname === "/realtime/v1/websocket" && apikey === PUBLISHABLE_KEY &&
      /^[12]\.0\.0$/.test(vsn) && Object.keys(rest).length === 0;
    if (!isRight) fail(`dialled ${origin}${pathname}`);
    holdDial(this.world);
  }

  sends(line: Line, message: Message): void {
    if (typeof message !== "string") {
      return readPush(message) ? this.#pushed(message) : fail("bytes that are no broadcast");
    }
    if (sizeOf(message) > SMALL) return this.#pushed(message);
    if (SECRETS.some((secret) => message.includes(secret))) {
      fail("a secret, or a token that was never verified");
    }
    const frame = fieldsOf(message) ?? fail(`no frame: ${message.slice(0, 80)}`);
    if (this.world.settings.anonymous !== "allow") this.#holdOrder(line, frame.ref);
    const payload = (frame.payload ?? {}) as Record<string, unknown>;
    switch (frame.event) {
      case "phx_join":
        if (frame.ref?.startsWith("hub:")) this.world.saw("goes over");
        return this.#joined(line, frame.topic, payload);
      case "access_token":
        return this.#signed(payload);
      case "phx_leave":
        this.lastLeftAt = this.world.time.now;
        return void this.#left.set(frame.topic, this.lastLeftAt);
      case "broadcast":
        return this.#pushed(message);
      case "heartbeat":
      case "presence":
        return;
    }
    fail(`the event ${frame.event}`);
  }

  /** Of a socket that one client has: what waited for it comes in order, and once. */
  #holdOrder(line: Line, ref: string | null): void {
    const number = Number(ref ?? NaN);
    if (Number.isNaN(number)) return;
    const last = this.#refs.get(line) ?? 0;
    this.#refs.set(line, number);
    if (number <= last) throw new Violation("waiting", `${ref} went up behind ${last}`);
  }

  #joined(line: Line, topic: string, payload: Record<string, unknown>): void {
    const { config, access_token: token, ...rest } = payload;
    if (Object.keys(rest).length > 0) fail(`a join with ${Object.keys(rest)}`);
    const ask = askOf(topic, config);
    // How the hub asks for a right anew.
    if (ask === `${topic} {"private":true}` && token === undefined) return;
    if (token === undefined && this.world.settings.anonymous !== "allow") {
      throw new Violation("waiting", `${ask} was joined for nobody`);
    }
    const claims = token === undefined ? undefined : this.#claimsOf(token as string);
    const role = claims?.role ?? "anon";
    if (!mayJoin(this.world.policies, role, topic, configOf(payload))) {
      throw new Violation("identity", `${ask} was joined as ${role}`);
    }
    const isAsked = this.world.parties.some(({ client, options }) => {
      const { who } = client;
      const isTheirs = token === undefined
        ? who.changedAt !== undefined || !who.isUser
        : who.shown.has(token as string);
      return isTheirs && options.vsn === line.vsn && client.asked.has(ask);
    });
    if (!isAsked) fail(`nobody asked for ${ask} as ${role}`);
  }

  #claimsOf(token: string) {
    const claims = claimsOf.get(token) ?? fail("a token that is not good");
    const { now } = this.world.time;
    // In the moment in which the worker comes to, the timers of that may not have run.
    const mayNotKnow = claims.expiresAt < now && this.world.time.sinceDue(claims.expiresAt) === 0;
    if (claims.expiresAt <= now && !mayNotKnow) fail("a token that has expired");
    return claims;
  }

  #signed({ access_token, ...rest }: Record<string, unknown>): void {
    const isShown = this.world.parties.some(({ client: { who } }) =>
      who.shown.has(access_token as string)
    );
    if (!isShown) fail("a token that nobody has shown");
    if (Object.keys(rest).length > 0) fail(`beside a token ${Object.keys(rest)}`);
  }

  #pushed(message: Message): void {
    const { world } = this;
    const push = world.pushes.get(numberOf(message) ?? 0) ?? fail("a broadcast that nobody sent");
    const { n, client, head: { topic }, size } = push;
    const party = world.parties[client];
    party.client.settle(n);
    world.saw("push");
    const name = `${client} ${topic}`;
    const last = this.#handed.get(name) ?? 0;
    this.#handed.set(name, n);
    if (n <= last) throw new Violation("pushes", `broadcast ${n} came again, or behind ${last}`);
    const beside = sizeOf(message) - size;
    if (beside < 0 || beside > FRAME) {
      throw new Violation("pushes", `of broadcast ${n} of ${size} bytes came ${sizeOf(message)}`);
    }
    holdPush(party, push, world.settings, world.time.now);
    if (party.client.allows(push)) return;
    throw new Violation("identity", `client ${client} sent on ${topic}`);
  }
}

function fail(seen: string): never {
  throw new Violation("upstream", seen);
}
