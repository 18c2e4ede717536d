import { dialled, isDirect, offered } from "./address.ts";
import { backoff } from "./backoff.ts";
import type { CatchUp } from "./catch_up.ts";
import { type Data, decode, encode, type Frame, type Json, type Vsn } from "./frame.ts";
import { moveAfterNotice, plannedMove } from "./handover.ts";
import type { Host } from "./host.ts";
import { fromLink } from "./incoming.ts";
import { createLink, type Link } from "./link.ts";
import { fromApplication } from "./outgoing.ts";
import { type Port, Session } from "./session.ts";
import type { RelaySocket, Underneath } from "./socket.ts";
import type { RelayStatus } from "./status.ts";
import { EXPIRED, expiryOf, UNAUTHORIZED, userOf } from "./token.ts";

export interface ConnectionOptions {
  relay: URL;
  token?: () => Token | Promise<Token>;
  onstatus?(status: RelayStatus): void;
  catchUp: CatchUp[];
  maxQueueBytes: number;
  wallClockMs?: number;
  host: Host;
}

type Token = string | null | undefined;

/** For a token and a socket. A refused one is closed after up to 12 s, and the code says why. */
const DIAL_MS = 15_000;

/** An open socket answers within a second. After sleep it may be dead without having said so. */
const WAKE_MS = 5_000;

/** How often a refused client looks for another token. Nothing is dialled meanwhile. */
const POLL_MS = 5_000;

/** A link that lived for less has not shown that the trouble is over. */
const STABLE_MS = 5_000;

/** Codes after which the same attempt would be refused again. */
const FINAL = [4400, 4403, 4409];

/** Keeps a session on sockets that come and go. It outlives the instances of the transport's class. */
export class Connection implements Port, Underneath {
  readonly #options: ConnectionOptions;
  readonly #host: Host;
  #status: RelayStatus;
  #face?: RelaySocket;
  #session?: Session;
  #vsn?: Vsn;
  #address!: URL;
  /** The one link that is on its way to take over; without a socket while its token is awaited. */
  #opening?: Link;
  #attempts = 0;
  /** The newest one, which knows whose session it is. */
  #last?: Link;
  /** The token that was refused; null where none was sent. */
  #refused?: string | null;
  #stopListening?: () => void;
  readonly #links = new Set<Link>();
  readonly #timers = new Map<string, unknown>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#host = options.host;
    this.#status = this.#statusOf("closed");
  }

  /** The status with the numbers of this moment. */
  get status(): RelayStatus {
    return { ...this.#status, ...this.#session?.figures };
  }

  get bufferedAmount(): number {
    return this.#session?.queue.bytes ?? 0;
  }

  get protocol(): string {
    return this.#session?.active?.socket?.protocol ?? "";
  }

  // --- the application's side

  /** Gives the session a new face; dials where no socket is underneath. Returns the address. */
  attach(face: RelaySocket, address: URL): string {
    this.#face = face;
    this.#address = address;
    this.#vsn = address.searchParams.get("vsn") === "2.0.0" ? "2.0.0" : "1.0.0";
    this.#session ??= new Session(this, this.#options.catchUp, this.#options.maxQueueBytes);
    this.#stopListening ??= this.#host.onWake((why) => this.#wake(why));
    if (this.#session.active) queueMicrotask(() => face.opened());
    else {
      this.#become("connecting");
      this.#dial();
    }
    return dialled(this.#options.relay, address).href;
  }

  /** Takes the face away. Without `keep` the session ends with it. */
  detach(face: RelaySocket, keep: boolean): void {
    if (face !== this.#face) return;
    this.#face = this.#opening = this.#refused = undefined;
    for (const name of this.#timers.keys()) this.#clear(name);
    this.#session!.end();
    this.#links.forEach(this.#close);
    if (!keep) this.#session = this.#last = undefined;
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#attempts = 0;
    this.#become("closed");
  }

  push(data: Data): void {
    fromApplication(this.#session!, decode(this.#vsn!, data));
    if (this.#status.state === "refused") this.#poll();
  }

  /** Dials at once where none is open. */
  retry(): void {
    if (this.#session?.active) return;
    this.#clear("dial");
    this.#clear("poll");
    this.#dial();
  }

  // --- what the session asks for

  now(): number {
    return this.#host.now();
  }

  random = (): number => this.#host.random();

  later(name: string, ms: number, then: () => unknown): void {
    this.#clear(name);
    const timer = this.#host.setTimeout(() => {
      this.#timers.delete(name);
      then();
    }, ms);
    this.#timers.set(name, timer);
  }

  deliver(frame: Frame): void {
    this.#face?.deliver(encode(this.#vsn!, frame));
  }

  send({ socket }: Link, frame: Frame): boolean {
    const isOpen = socket?.readyState === 1;
    if (isOpen) socket.send(encode(this.#vsn!, frame));
    return isOpen;
  }

  live(): void {
    // A socket that was opened beside another shows as well that the trouble is over.
    if (this.#status.state === "live") this.#attempts = 0;
    const wasRefused = this.#refused !== undefined;
    this.#opening = this.#refused = undefined;
    this.#become("live");
    const { wallClockMs } = this.#options;
    if (wallClockMs) this.later("move", plannedMove(wallClockMs, this.random()), this.#dial);
    if (wasRefused) queueMicrotask(() => this.#face?.opened());
  }

  async check(link: Link): Promise<void> {
    const token = await this.#ask().then((asked) => this.#tokenOf(asked), () => null);
    if (!this.#links.has(link)) return;
    if (userOf(token) === userOf(link.token)) {
      if (link.muted) this.#session!.settle(link);
      this.#session!.freshen(link, token);
    } else if (link.muted) {
      this.#opening = undefined;
      this.#dial();
    }
  }

  notice(link: Link, { status, deadline_ms }: Json): void {
    if (status === "token_expiring") this.check(link);
    if (status !== "drain" || link !== this.#session!.active) return;
    this.later("move", moveAfterNotice(Number(deadline_ms) || 0, this.random()), this.#dial);
  }

  /** Called by the socket, or in its place where it is given up. */
  end(link: Link, code: number | undefined, reason: string): void {
    const session = this.#session!;
    const wasActive = session.active === link;
    const wasOpening = this.#opening === link;
    if (!this.#close(link) || !(wasActive || wasOpening)) return; // It lingered behind its successor.
    if (wasOpening) this.#opening = undefined;
    if (session.active) return this.#again();
    if (wasActive && this.now() - link.provenAt! >= STABLE_MS) this.#attempts = 0;
    this.#clear("move");
    if (this.#opening) this.#succeed(code, reason);
    else if (FINAL.includes(code!)) this.#refuse(link.handshake, code, reason);
    else if (code === UNAUTHORIZED) this.#unauthorized(link, reason);
    else this.#again(code, reason);
  }

  // --- dialling

  #dial = async (): Promise<void> => {
    if (this.#opening || !this.#face) return;
    const link = this.#opening = createLink(this.now());
    this.#links.add(link);
    this.#session!.due(link, DIAL_MS, () => link.provenAt);
    try {
      link.handshake = await this.#ask();
      if (this.#opening === link) this.#open(link);
    } catch (error) {
      // Not the error's text: a token may be in it.
      this.end(link, undefined, `token() failed: ${(error as Error)?.name}`);
    }
  };

  async #ask(): Promise<string | null> {
    return await this.#options.token?.() ?? null;
  }

  /** Whose token counts: where none is asked for, that of the application's frames. */
  #tokenOf(asked: string | null): string | null {
    return (this.#options.token ? asked : this.#session!.inBand) ?? null;
  }

  /** Where the token is somebody else's, nothing of the sockets so far goes any further. */
  #recognise(link: Link): void {
    const session = this.#session!;
    const known = userOf((session.active ?? this.#last)?.token);
    this.#last = link;
    if (known === null || known === userOf(link.token)) return;
    for (const other of this.#links) if (other !== link) this.#close(other);
    session.changeUser();
    this.#become("reconnecting", { reason: "Another user is signed in." });
  }

  /** Throws where the token holds what no protocol may. A link that is not proven in time ends. */
  #open(link: Link): void {
    const { handshake } = link;
    const { relay } = this.#options;
    link.token = this.#tokenOf(handshake);
    this.#recognise(link);
    // The relay says so itself, by its own clock; Realtime lets a socket in and refuses its joins.
    if (isDirect(relay) && expiryOf(handshake) <= this.now()) {
      return this.end(link, UNAUTHORIZED, EXPIRED);
    }
    const url = dialled(relay, this.#address, isDirect(relay) || !handshake);
    const socket = new this.#host.WebSocket(url, offered(relay, handshake));
    link.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened(link);
    socket.onmessage = ({ data }) => fromLink(this.#session!, link, decode(this.#vsn!, data));
    socket.onclose = ({ code, reason }) => this.end(link, code, reason);
  }

  #opened(link: Link): void {
    const session = this.#session!;
    session.ask(link, () => {});
    if (session.active) return; // Takes over when its topics are subscribed.
    session.adopt(link);
    if (this.#face!.readyState === 0) this.#face!.opened();
  }

  // --- endings

  /** Closes a link for good; nothing follows. False where that was done. */
  #close = (link: Link): boolean => {
    const { socket, gone } = link;
    if (!this.#links.delete(link)) return false;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    socket?.close(1000);
    gone.abort();
    this.#session!.lose(link);
    return true;
  };

  /** The next link is on its way already: it takes over as it is. */
  #succeed(code: number | undefined, reason: string): void {
    const { socket, provenAt } = this.#opening!;
    this.#become("reconnecting", { code, reason });
    if (socket?.readyState !== 1) return;
    if (provenAt) this.#session!.switch(this.#opening!);
    else this.#session!.adopt(this.#opening!);
  }

  /** Dials after a while: the first socket, or the next one beside that which is live. */
  #again(code?: number, reason?: string): void {
    const wait = backoff(this.#attempts++, this.random);
    if (this.#session!.active) return this.later("move", wait, this.#dial);
    const state = this.#host.isOffline() ? "offline" : "reconnecting";
    this.#become(state, { code, reason, retryAt: this.now() + wait });
    this.later("dial", wait, this.#dial);
  }

  async #unauthorized({ handshake, token, provenAt }: Link, reason: string): Promise<void> {
    const asked = await this.#ask().catch(() => handshake);
    if (!this.#face || this.#opening) return;
    const isSame = asked === handshake && this.#tokenOf(asked) === token;
    if (isSame) this.#refuse(handshake, UNAUTHORIZED, reason);
    else if (provenAt) this.#dial();
    else this.#again(UNAUTHORIZED, reason);
  }

  /** Dials nothing until the token changes, retry() is called or the page becomes visible again. */
  #refuse(token: string | null, code: number | undefined, reason: string): void {
    this.#refused = token;
    this.#session!.refuse(reason || `refused: ${code}`);
    this.#become("refused", { code, reason });
    this.later("poll", POLL_MS, this.#poll);
  }

  #poll = async (): Promise<void> => {
    const status = this.#status;
    const token = await this.#ask().catch(() => this.#refused);
    if (status !== this.#status) return;
    if (token !== this.#refused) this.retry();
    else this.later("poll", POLL_MS, this.#poll);
  };

  // --- the world around

  #wake(why: "online" | "visible"): void {
    const { active } = this.#session!;
    const isRefused = this.#status.state === "refused";
    if (isRefused ? why === "visible" : !active) return this.retry();
    if (!active?.provenAt) return;
    this.#session!.ask(active, () => {}, WAKE_MS);
    this.check(active);
  }

  #clear(name: string): void {
    this.#host.clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  #statusOf(state: RelayStatus["state"], more?: Partial<RelayStatus>): RelayStatus {
    const { origin, pathname } = this.#options.relay;
    return { state, since: this.now(), relay: origin + pathname, caughtUp: 0, ...more };
  }

  #become(state: RelayStatus["state"], more?: Partial<RelayStatus>): void {
    this.#status = this.#statusOf(state, more);
    this.#options.onstatus?.(this.status);
  }
}
