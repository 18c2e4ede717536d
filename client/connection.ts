import { dialled, isDirect, offered } from "./address.ts";
import { backoff } from "./backoff.ts";
import type { CatchUp } from "./catch_up.ts";
import { Clock } from "./clock.ts";
import { type Data, decode, encode, type Frame, type Json, type Vsn } from "./frame.ts";
import { moveAfterNotice, plannedMove } from "./handover.ts";
import type { Host } from "./host.ts";
import { fromLink } from "./incoming.ts";
import { createLink, type Link } from "./link.ts";
import { fromApplication } from "./outgoing.ts";
import { Refusal } from "./refusal.ts";
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

/** A link that lived for less has not shown that the trouble is over. */
const STABLE_MS = 5_000;

/** Keeps a session on sockets that come and go. It outlives the instances of the transport's class. */
export class Connection implements Port, Underneath {
  readonly clock: Clock;
  readonly #options: ConnectionOptions;
  readonly #refusal = new Refusal(this);
  readonly #links = new Set<Link>();
  #status: RelayStatus;
  #face?: RelaySocket;
  #address!: URL;
  #vsn!: Vsn;
  #session?: Session;
  /** The one link that is on its way to take over; without a socket while its token is awaited. */
  #opening?: Link;
  /** The newest one, which knows whose session it is. */
  #last?: Link;
  #attempts = 0;
  #stopListening?: () => void;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.clock = new Clock(options.host);
    this.#status = this.#statusOf("closed");
  }

  // --- the application's side

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

  /** Gives the session a new face; dials where no socket is underneath. Returns the address. */
  attach(face: RelaySocket, address: URL): string {
    const { catchUp, host, maxQueueBytes, relay } = this.#options;
    this.#face = face;
    this.#address = address;
    this.#vsn = address.searchParams.get("vsn") === "2.0.0" ? "2.0.0" : "1.0.0";
    this.#session ??= new Session(this, catchUp, maxQueueBytes);
    this.#stopListening ??= host.onWake((why) => this.#wake(why));
    if (this.#session.active) queueMicrotask(() => face.opened());
    else {
      this.#become("connecting");
      this.dial();
    }
    return dialled(relay, address).href;
  }

  /** Takes the face away. Without `keep` the session ends with it. */
  detach(face: RelaySocket, keep: boolean): void {
    if (face !== this.#face) return;
    this.#face = this.#opening = this.#refusal.token = undefined;
    this.clock.clear();
    for (const link of this.#links) this.#close(link);
    this.#session!.channels.clear();
    if (!keep) this.#session = this.#last = undefined;
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#attempts = 0;
    this.#become("closed");
  }

  push(data: Data): void {
    fromApplication(this.#session!, decode(this.#vsn, data));
    if (this.#status.state === "refused") this.#refusal.poll();
  }

  /** Dials at once where none is open. */
  retry(): void {
    if (this.#session?.active) return;
    this.clock.clear("dial");
    this.dial();
  }

  // --- what the session asks for

  deliver(frame: Frame): void {
    this.#face?.deliver(encode(this.#vsn, frame));
  }

  send({ socket }: Link, frame: Frame): boolean {
    const isOpen = socket?.readyState === 1;
    if (isOpen) socket.send(encode(this.#vsn, frame));
    return isOpen;
  }

  live(): void {
    const { clock } = this;
    const { wallClockMs } = this.#options;
    const wasRefused = this.#refusal.token !== undefined;
    // A socket that was opened beside another shows as well that the trouble is over.
    if (this.#status.state === "live") this.#attempts = 0;
    this.#opening = this.#refusal.token = undefined;
    this.#become("live");
    clock.clear("dial");
    if (wallClockMs) clock.later("dial", plannedMove(wallClockMs, clock.random()), this.dial);
    if (wasRefused) queueMicrotask(() => this.#face?.opened());
  }

  async check(link: Link): Promise<void> {
    const asked = await this.ask().catch(() => null);
    if (!this.#links.has(link)) return;
    const session = this.#session!;
    const token = this.tokenOf(asked);
    if (userOf(token) === userOf(link.token)) {
      if (link.muted) session.settle(link);
      session.freshen(link, token);
    } else if (link.muted) {
      this.#opening = undefined;
      this.dial();
    }
  }

  notice(link: Link, { status, deadline_ms }: Json): void {
    const { clock } = this;
    if (status === "token_expiring") this.check(link);
    if (status !== "drain" || link !== this.#session!.active) return;
    clock.later("dial", moveAfterNotice(Number(deadline_ms) || 0, clock.random()), this.dial);
  }

  /** Called by the socket, or in its place where it is given up. */
  end(link: Link, code: number | undefined, reason: string): void {
    const session = this.#session!;
    const wasActive = session?.active === link;
    const wasOpening = this.#opening === link;
    this.#close(link);
    if (!wasActive && !wasOpening) return; // It lingered behind its successor.
    if (wasOpening) this.#opening = undefined;
    if (session.active) return this.again();
    if (wasActive && this.clock.now() - link.provenAt! >= STABLE_MS) this.#attempts = 0;
    if (this.#opening) this.#succeed(this.#opening, code, reason);
    else this.#refusal.consider(link, code, reason);
  }

  // --- dialling

  /** Opens a socket, unless one is on its way. Beside one that is live it is to take over. */
  dial = async (): Promise<void> => {
    if (this.#opening || !this.#face) return;
    const link = this.#opening = createLink(this.clock.now());
    this.#links.add(link);
    this.#session!.due(link, DIAL_MS, () => link.provenAt);
    try {
      link.handshake = await this.ask();
      if (this.#opening === link) this.#open(link);
    } catch (error) {
      // Not the error's text: a token may be in it.
      this.end(link, undefined, `token() failed: ${(error as Error)?.name}`);
    }
  };

  async ask(): Promise<string | null> {
    return await this.#options.token?.() ?? null;
  }

  /** Whose token counts: where none is asked for, that of the application's frames. */
  tokenOf(asked: string | null): string | null {
    return (this.#options.token ? asked : this.#session!.inBand) ?? null;
  }

  /** Throws where the token holds what no protocol may. */
  #open(link: Link): void {
    const { handshake } = link;
    const { relay, host } = this.#options;
    link.token = this.tokenOf(handshake);
    this.#recognise(link);
    // The relay says so itself, by its own clock; Realtime lets a socket in and refuses its joins.
    if (isDirect(relay) && expiryOf(handshake) <= this.clock.now()) {
      return this.end(link, UNAUTHORIZED, EXPIRED);
    }
    const url = dialled(relay, this.#address, isDirect(relay) || !handshake);
    const socket = link.socket = new host.WebSocket(url, offered(relay, handshake));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened(link);
    socket.onmessage = ({ data }) => fromLink(this.#session!, link, decode(this.#vsn, data));
    socket.onclose = ({ code, reason }) => this.end(link, code, reason);
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

  #opened(link: Link): void {
    const session = this.#session!;
    session.ask(link, () => {});
    if (session.active) return; // Takes over when its topics are subscribed.
    session.adopt(link);
    if (this.#face!.readyState === 0) this.#face!.opened();
  }

  // --- endings

  /** Closes a link for good; nothing follows. */
  #close(link: Link): void {
    const { socket, gone } = link;
    if (!this.#links.delete(link)) return;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    socket?.close(1000);
    gone.abort();
    this.#session!.lose(link);
  }

  /** The next link is on its way already: it takes over as it is. */
  #succeed(next: Link, code: number | undefined, reason: string): void {
    const { socket, provenAt } = next;
    this.#become("reconnecting", { code, reason });
    if (socket?.readyState !== 1) return;
    if (provenAt) this.#session!.switch(next);
    else this.#session!.adopt(next);
  }

  /** Dials after a while: the first socket, or the next one beside that which is live. */
  again(code?: number, reason?: string): void {
    const { clock } = this;
    const wait = backoff(this.#attempts++, clock.random());
    const state = this.#options.host.isOffline() ? "offline" : "reconnecting";
    clock.later("dial", wait, this.dial);
    if (this.#session!.active) return;
    this.#become(state, { code, reason, retryAt: clock.now() + wait });
  }

  /** For the refusal: nothing is dialled for now, and joins hear why. */
  refused(code: number | undefined, reason: string): void {
    this.clock.clear("dial");
    this.#session!.refuse(reason || `refused: ${code}`);
    this.#become("refused", { code, reason });
  }

  /** For the refusal: false while nothing is there or on its way. */
  get isBusy(): boolean {
    return !this.#face || !!this.#opening || !!this.#session!.active;
  }

  // --- the world around

  #wake(why: "online" | "visible"): void {
    const { active } = this.#session!;
    const isRefused = this.#status.state === "refused";
    if (isRefused ? why === "visible" : !active) return this.retry();
    if (!active?.provenAt) return;
    this.#session!.ask(active, () => {}, WAKE_MS);
    this.check(active);
  }

  #statusOf(state: RelayStatus["state"], more?: Partial<RelayStatus>): RelayStatus {
    const { origin, pathname } = this.#options.relay;
    return { state, since: this.clock.now(), relay: origin + pathname, caughtUp: 0, ...more };
  }

  #become(state: RelayStatus["state"], more?: Partial<RelayStatus>): void {
    this.#status = this.#statusOf(state, more);
    this.#options.onstatus?.(this.status);
  }
}
