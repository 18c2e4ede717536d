import { backoff } from "./backoff.ts";
import type { CatchUp } from "./catch_up.ts";
import type { Channel } from "./channel.ts";
import type { Data, Json, Vsn } from "./frame.ts";
import {
  LAST_ANSWER_MS,
  moveAfterNotice,
  Overlap,
  plannedMove,
  READY_MS,
  SETTLE_MS,
} from "./handover.ts";
import { openGap } from "./gap.ts";
import type { Host } from "./host.ts";
import { fromLink } from "./incoming.ts";
import { createLink, type Link } from "./link.ts";
import { fromApplication } from "./outgoing.ts";
import { Recovery } from "./recovery.ts";
import { type Port, Session } from "./session.ts";
import { type SocketEvents, Sockets } from "./sockets.ts";
import type { RelaySocket, Underneath } from "./socket.ts";
import type { RelayStatus } from "./status.ts";
import { Timers } from "./timers.ts";
import { type Token, Tokens } from "./tokens.ts";
import { expiryOf, isAtLeastAsFresh, userOf } from "./token.ts";

export interface ConnectionOptions {
  relay: URL;
  token?: () => Token | Promise<Token>;
  onstatus?(status: RelayStatus): void;
  maxQueueBytes: number;
  wallClockMs?: number;
}

/** Asks the relay to answer this name instead of the token entry. */
const PROTOCOL = "realtime-relay.v1";

/** Realtime itself knows no subprotocol, and browsers drop a socket whose server picks none. */
const DIRECT = /\/(realtime\/v1|socket)\/websocket$/;

/** What the relay takes of realtime-js's query; the key only for viewers without a token. */
const FORWARDED = ["vsn", "log_level"];

/** An answer takes a second at worst; realtime-js itself gives up after 25 s. */
const BEAT_MS = 10_000;

/** How often a refused client looks for another token. Nothing is dialled meanwhile. */
const POLL_MS = 5_000;

/** A link that lived for less has not shown that the trouble is over. */
const STABLE_MS = 5_000;

/** Codes after which the same attempt would be refused again. */
const FINAL = [4400, 4403, 4409];
const UNAUTHORIZED = 4401;

/** In the relay's own words. */
const EXPIRED = "token_expired: Refresh the session, then connect with the new token.";

/** Keeps a session on sockets that come and go. It outlives the instances of the transport's class. */
export class Connection implements Port, SocketEvents, Underneath {
  status: RelayStatus;
  protocol = "";
  #face?: RelaySocket;
  #session?: Session;
  #url?: URL;
  #apikey: string | null = null;
  /** The one link that is on its way to take over; true while its token is awaited. */
  #opening?: Link | true;
  /** Raised when what is on its way is no longer wanted. */
  #turn = 0;
  #attempts = 0;
  #links = 0;
  #user: string | null = null;
  #refused: Token;
  #stopListening?: () => void;
  readonly #timers: Timers;
  readonly #sockets: Sockets;
  readonly #tokens: Tokens;
  readonly #recovery: Recovery;

  constructor(
    private readonly options: ConnectionOptions,
    private readonly catchUps: CatchUp[],
    private readonly host: Host,
  ) {
    this.#timers = new Timers(host);
    this.#sockets = new Sockets(host, this.#timers, this);
    this.#tokens = new Tokens(this.#timers, options.token);
    this.#recovery = new Recovery(this.#timers, host.random, () => this.#session!);
    this.status = this.#statusOf("closed");
  }

  get #isDirect(): boolean {
    return DIRECT.test(this.options.relay.pathname);
  }

  get bufferedAmount(): number {
    return this.#session?.queue.bytes ?? 0;
  }

  now(): number {
    return this.host.now();
  }

  /** Gives the session a new face; dials where no socket is underneath. Returns the address. */
  attach(face: RelaySocket, address: URL): string {
    const { searchParams } = address;
    const vsn: Vsn = searchParams.get("vsn") === "2.0.0" ? "2.0.0" : "1.0.0";
    this.#face = face;
    this.#apikey = searchParams.get("apikey");
    this.#url = new URL(this.options.relay);
    for (const name of FORWARDED) {
      const value = searchParams.get(name);
      if (value !== null) this.#url.searchParams.set(name, value);
    }
    if (this.#session?.vsn !== vsn) {
      this.#session = new Session(vsn, this, this.catchUps, this.options.maxQueueBytes);
    }
    this.#stopListening ??= this.host.onWake((why) => this.#wake(why));
    if (this.#session.active) queueMicrotask(() => face.opened());
    else {
      this.#become("connecting");
      this.#dial();
    }
    return this.#url.href;
  }

  /** Takes the face away. Without `keep` the session ends with it. */
  detach(face: RelaySocket, keep: boolean): void {
    if (face !== this.#face) return;
    this.#face = undefined;
    this.#turn++;
    this.#opening = undefined;
    this.#timers.clearAll();
    const session = this.#session!;
    for (const channel of session.channels.values()) {
      if (channel.acked) openGap(session, channel, session.active?.lastFrameAt);
    }
    session.channels.clear();
    for (const link of this.#sockets.links) this.#drop(link);
    if (!keep) {
      this.#session = undefined;
      this.#user = null;
    }
    this.#refused = undefined;
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#attempts = 0;
    this.#become("closed");
  }

  push(data: Data): void {
    fromApplication(this.#session!, data);
    if (this.status.state === "refused") this.#pollToken();
  }

  /** Dials at once where none is open. */
  retry(): void {
    if (!this.#face || this.#session?.active) return;
    this.#timers.clear("dial");
    this.#timers.clear("poll");
    this.#dial();
  }

  deliver(data: Data): void {
    this.#face?.deliver(data);
  }

  send(link: Link, data: Data): boolean {
    return this.#sockets.send(link, data);
  }

  // --- dialling

  async #dial(): Promise<void> {
    if (this.#opening || !this.#face) return;
    const turn = this.#turn;
    this.#opening = true;
    let token: Token;
    try {
      token = await this.#tokens.ask();
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#opening = undefined;
      // Not the error's text: a token may be in it.
      return this.#again(undefined, `token() failed: ${(error as Error)?.name ?? "error"}`);
    }
    if (turn !== this.#turn) return;
    this.#recognise(token);
    // The relay says so itself, by its own clock; Realtime lets a socket in and refuses its joins.
    if (this.#isDirect && (expiryOf(token) ?? Infinity) <= this.now()) {
      this.#opening = undefined;
      return this.#refuse(token, UNAUTHORIZED, EXPIRED);
    }
    try {
      this.#open(token);
    } catch {
      this.#opening = undefined;
      this.#refuse(token, undefined, "token_malformed: The token cannot be sent to the relay.");
    }
  }

  /** Whose token counts: where none is asked for, that of the application's frames. */
  #tokenOf(asked: Token): string | null {
    return (this.options.token ? asked : this.#session!.inBand) ?? null;
  }

  /** Where the token is somebody else's, nothing of the sockets so far goes any further. */
  #recognise(token: Token): void {
    const session = this.#session!;
    const user = userOf(this.#tokenOf(token));
    const known = session.active?.user ?? this.#user;
    this.#user = user;
    if (known === null || known === user) return;
    this.#sockets.links.forEach((link) => this.#drop(link));
    session.changeUser();
    this.#become("reconnecting", { reason: "Another user is signed in." });
  }

  #open(token: Token): void {
    const url = new URL(this.#url!);
    if (this.#apikey && (this.#isDirect || !token)) url.searchParams.set("apikey", this.#apikey);
    const offered = token ? [PROTOCOL, `jwt-${token}`] : [PROTOCOL];
    const link = createLink(++this.#links, this.#tokenOf(token), this.now());
    link.handshake = token;
    this.#sockets.dial(link, url, this.#isDirect ? [] : offered);
    this.#opening = link;
  }

  opened(link: Link): void {
    const session = this.#session!;
    session.barrier(link, () => {});
    if (session.active) return; // Takes over when its topics are subscribed.
    this.protocol = this.#sockets.protocolOf(link);
    session.adopt(link);
    if (this.#face!.readyState === 0) this.#face!.opened();
  }

  frame(link: Link, data: Data): void {
    fromLink(this.#session!, link, data);
  }

  proven(link: Link): void {
    const session = this.#session!;
    this.#sockets.proven(link);
    link.provenAt = this.now();
    if (session.active && session.active !== link) {
      this.#timers.set("ready", READY_MS, () => this.ended(link, 1006, "topics are not ready"));
      return session.follow(link, new Overlap());
    }
    if (!session.active) session.adopt(link);
    this.#live(link);
  }

  #live(link: Link): void {
    const wasRefused = this.#refused !== undefined;
    this.#opening = undefined;
    this.#refused = undefined;
    this.protocol = this.#sockets.protocolOf(link);
    this.#become("live");
    const { wallClockMs } = this.options;
    if (wallClockMs) {
      this.#timers.set("move", plannedMove(wallClockMs, this.host.random), () => this.#dial());
    }
    if (wasRefused) queueMicrotask(() => this.#face?.opened());
  }

  // --- endings

  /** Closes a link for good; nothing follows. */
  #drop(link: Link): void {
    if (this.#sockets.end(link)) this.#session?.lose(link);
  }

  /** Called by the socket, or in its place where it is given up. */
  ended(link: Link, code: number, reason: string): void {
    if (!this.#sockets.end(link)) return;
    const session = this.#session!;
    const wasActive = session.active === link;
    session.lose(link);
    if (this.#opening === link) {
      this.#opening = undefined;
      this.#timers.clear("ready");
    } else if (!wasActive) return; // It lingered behind its successor.
    const lived = link.provenAt === undefined ? 0 : this.now() - link.provenAt;
    if (wasActive && lived >= STABLE_MS) this.#attempts = 0;
    if (!wasActive && session.active) return this.#moveAgain();
    this.#timers.clear("move");
    if (this.#opening) return this.#succeed(code, reason);
    if (FINAL.includes(code)) return this.#refuse(link.handshake, code, reason);
    if (code === UNAUTHORIZED) return void this.#unauthorized(link, reason);
    this.#again(code, reason);
  }

  /** The next link is on its way already: it takes over as it is. */
  #succeed(code: number, reason: string): void {
    const next = this.#opening;
    this.#become("reconnecting", { code, reason });
    if (next === true || !this.#sockets.isOpen(next!)) return;
    if (!next!.proven) return this.#session!.adopt(next!);
    this.#timers.clear("ready");
    this.#session!.switch(next!);
    this.#live(next!);
  }

  #again(code: number | undefined, reason: string): void {
    if (this.#session?.active) return this.#moveAgain();
    const wait = backoff(this.#attempts++, this.host.random);
    const state = this.host.isOffline() ? "offline" : "reconnecting";
    this.#become(state, { code, reason, retryAt: this.now() + wait });
    this.#timers.set("dial", wait, () => this.#dial());
  }

  #moveAgain(): void {
    this.#timers.set("move", backoff(this.#attempts++, this.host.random), () => this.#dial());
  }

  async #unauthorized(link: Link, reason: string): Promise<void> {
    const token = link.handshake;
    const turn = this.#turn;
    const asked = await this.#tokens.ask().catch(() => token);
    if (turn !== this.#turn || this.#opening) return;
    if (asked === token && !(this.#tokenOf(asked) !== link.token)) {
      return this.#refuse(token, UNAUTHORIZED, reason);
    }
    if (link.proven) this.#dial();
    else this.#again(UNAUTHORIZED, reason);
  }

  /** Dials nothing until the token changes, retry() is called or the page becomes visible again. */
  #refuse(token: Token, code: number | undefined, reason: string): void {
    this.#refused = token ?? null;
    this.#session!.refuse(reason || `refused: The relay closed the socket with ${code}.`);
    this.#become("refused", { code, reason });
    this.#timers.set("poll", POLL_MS, () => this.#pollToken());
  }

  async #pollToken(): Promise<void> {
    const turn = this.#turn;
    const token = await this.#tokens.ask().catch(() => this.#refused);
    if (turn !== this.#turn || this.status.state !== "refused") return;
    if ((token ?? null) !== this.#refused) this.retry();
    else this.#timers.set("poll", POLL_MS, () => this.#pollToken());
  }

  // --- what the session asks for

  switched(old: Link): void {
    const session = this.#session!;
    this.#timers.clear("ready");
    this.#live(session.active!);
    // A socket that was opened beside another shows as well that the trouble is over.
    this.#attempts = 0;
    const { overlap } = session;
    this.#timers.set(`settle ${old.id}`, SETTLE_MS, () => {
      // The next handover may have begun.
      if (session.overlap === overlap) session.overlap = undefined;
      this.#drop(old);
    });
  }

  beat(link: Link): void {
    const [ref] = [...link.pending.keys()].slice(-1);
    this.#timers.set(`beat ${link.id}`, BEAT_MS, () => {
      if (link.pending.has(ref)) this.ended(link, 1006, "a heartbeat was not answered");
    });
  }

  awaited(old: Link): void {
    const reason = "the socket did not answer when another was to take over";
    this.#timers.set("ready", LAST_ANSWER_MS, () => this.ended(old, 1006, reason));
  }

  notice(link: Link, { status, deadline_ms }: Json): void {
    if (status === "token_expiring") return void this.#refresh(link);
    if (status !== "drain" || link !== this.#session!.active) return;
    const wait = moveAfterNotice(Number(deadline_ms) || 0, this.host.random);
    this.#timers.set("move", wait, () => this.#dial());
  }

  async #refresh(link: Link): Promise<void> {
    const token = await this.#tokens.ask().catch(() => null);
    if (!token || token === link.token || !this.#sockets.has(link)) return;
    if (userOf(token) === link.user && isAtLeastAsFresh(token, link.token)) {
      this.#session!.freshen(link, token);
    }
  }

  expired(link: Link): void {
    queueMicrotask(() => this.ended(link, UNAUTHORIZED, EXPIRED));
  }

  async doubt(link: Link): Promise<void> {
    const turn = this.#turn;
    const token = this.#tokenOf(await this.#tokens.ask().catch(() => null));
    if (turn !== this.#turn || !this.#sockets.has(link)) return;
    if (userOf(token) === link.user) return this.#session!.settle(link);
    this.#turn++;
    this.#opening = undefined;
    this.#dial();
  }

  missed(channel: Channel, link: Link): void {
    this.#recovery.read(channel, link);
  }

  failed(channel: Channel, link: Link, reason: string): void {
    if (/^token_|^signed_out|InvalidJWT|expired/.test(reason)) return this.expired(link);
    // A handover is given up in time.
    if (link === this.#session!.active) this.#recovery.restore(channel, link, reason);
  }

  lost(channel: Channel, link: Link): void {
    this.#recovery.lost(channel, link);
  }

  // --- the world around

  #wake(why: "online" | "visible"): void {
    const { state } = this.status;
    const active = this.#session?.active;
    if (state === "refused" ? why === "visible" : !active) return this.retry();
    if (!active?.proven) return;
    // After sleep a socket may be dead without having said so.
    this.#timers.set(`wake ${active.id}`, BEAT_MS / 2, () => {
      this.ended(active, 1006, "no answer after sleep");
    });
    this.#session!.barrier(active, () => this.#timers.clear(`wake ${active.id}`));
    this.#refresh(active);
  }

  #become(state: RelayStatus["state"], more: Partial<RelayStatus> = {}): void {
    this.status = { ...this.#statusOf(state), ...more };
    this.options.onstatus?.(this.status);
  }

  #statusOf(state: RelayStatus["state"]): RelayStatus {
    const { origin, pathname } = this.options.relay;
    const { lastEventAt, caughtUp = 0 } = this.#session ?? {};
    return { state, since: this.now(), relay: origin + pathname, lastEventAt, caughtUp };
  }

  /** The status with the numbers of this moment. */
  get current(): RelayStatus {
    const { lastEventAt, caughtUp } = this.#session ?? this.status;
    return { ...this.status, lastEventAt, caughtUp };
  }
}
