import { dialled, isDirect, offered } from "./address.ts";
import { backoff } from "./backoff.ts";
import { Clock } from "./clock.ts";
import type { ConnectionOptions } from "./connection.ts";
import { decode, encode, type Frame, type Json, type Vsn } from "./frame.ts";
import { moveAfterNotice, plannedMove } from "./handover.ts";
import { fromLink } from "./incoming.ts";
import { createLink, type Link } from "./link.ts";
import { Refusal } from "./refusal.ts";
import { type Port, Session } from "./session.ts";
import type { RelaySocket } from "./socket.ts";
import type { RelayStatus } from "./status.ts";
import { EXPIRED, expiryOf, UNAUTHORIZED, userOf } from "./token.ts";

/** For a token and a socket. A refused one is closed after up to 12 s, and the code says why. */
const DIAL_MS = 15_000;

/** A link that lived for less has not shown that the trouble is over. */
const STABLE_MS = 5_000;

/** The application's side of a carrier. */
export interface Application {
  readonly face?: RelaySocket;
  readonly state: RelayStatus["state"];
  become(state: RelayStatus["state"], more?: Partial<RelayStatus>): void;
}

/** Keeps a session on sockets that come and go, while it is on. */
export class Carrier implements Port {
  readonly clock: Clock;
  readonly session: Session;
  readonly refusal = new Refusal(this);
  readonly #options: ConnectionOptions;
  readonly #application: Application;
  readonly #links = new Set<Link>();
  #address!: URL;
  #vsn!: Vsn;
  /** The one link that is on its way to take over; without a socket while its token is awaited. */
  #opening?: Link;
  /** The newest one, which knows whose session it is. */
  #last?: Link;
  #attempts = 0;
  #isOn = false;

  constructor(options: ConnectionOptions, application: Application) {
    this.#options = options;
    this.#application = application;
    this.clock = new Clock(options.host);
    this.session = new Session(this, options.catchUp, options.maxQueueBytes);
  }

  /** Begins to dial. */
  start(address: URL, vsn: Vsn): void {
    this.#address = address;
    this.#vsn = vsn;
    this.#isOn = true;
    this.dial();
  }

  /** Nothing carries any more; what the application has joined is forgotten. */
  stop(): void {
    this.#opening = this.refusal.token = undefined;
    this.#attempts = 0;
    this.#isOn = false;
    this.clock.clear();
    for (const link of this.#links) this.#close(link);
    this.session.channels.clear();
  }

  /** Dials at once where none is open. */
  retry(): void {
    if (this.session.active) return;
    this.clock.clear("dial");
    this.dial();
  }

  // --- what the session asks for

  deliver(frame: Frame): void {
    this.#application.face?.deliver(encode(this.#vsn, frame));
  }

  send({ socket }: Link, frame: Frame): boolean {
    const isOpen = socket?.readyState === 1;
    if (isOpen) socket.send(encode(this.#vsn, frame));
    return isOpen;
  }

  live(): void {
    const { clock } = this;
    const { wallClockMs } = this.#options;
    const wasRefused = this.refusal.token !== undefined;
    // A socket that was opened beside another shows as well that the trouble is over.
    if (this.#application.state === "live") this.#attempts = 0;
    this.#opening = this.refusal.token = undefined;
    this.#application.become("live");
    clock.clear("dial");
    if (wallClockMs) clock.later("dial", plannedMove(wallClockMs, clock.random()), this.dial);
    if (wasRefused) queueMicrotask(() => this.#application.face?.opened());
  }

  async check(link: Link): Promise<void> {
    const asked = await this.ask().catch(() => null);
    if (!this.#links.has(link)) return;
    const { session } = this;
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
    if (status !== "drain" || link !== this.session.active) return;
    clock.later("dial", moveAfterNotice(Number(deadline_ms) || 0, clock.random()), this.dial);
  }

  /** Called by the socket, or in its place where it is given up. */
  end(link: Link, code: number | undefined, reason: string): void {
    const { session } = this;
    const wasActive = session.active === link;
    const wasOpening = this.#opening === link;
    this.#close(link);
    if (!wasActive && !wasOpening) return; // It lingered behind its successor.
    if (wasOpening) this.#opening = undefined;
    if (session.active) return this.again();
    if (wasActive && this.clock.now() - link.provenAt! >= STABLE_MS) this.#attempts = 0;
    if (this.#opening) this.#succeed(this.#opening, code, reason);
    else this.refusal.consider(link, code, reason);
  }

  // --- dialling

  /** Opens a socket, unless one is on its way. Beside one that is live it is to take over. */
  dial = async (): Promise<void> => {
    if (this.#opening || !this.#isOn) return;
    const link = this.#opening = createLink(this.clock.now());
    this.#links.add(link);
    this.session.due(link, DIAL_MS, () => link.provenAt);
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
    return (this.#options.token ? asked : this.session.inBand) ?? null;
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
    socket.onmessage = ({ data }) => fromLink(this.session, link, decode(this.#vsn, data));
    socket.onclose = ({ code, reason }) => this.end(link, code, reason);
  }

  /** Where the token is somebody else's, nothing of the sockets so far goes any further. */
  #recognise(link: Link): void {
    const { session } = this;
    const known = userOf((session.active ?? this.#last)?.token);
    this.#last = link;
    if (known === null || known === userOf(link.token)) return;
    for (const other of this.#links) if (other !== link) this.#close(other);
    session.changeUser();
    this.#application.become("reconnecting", { reason: "Another user is signed in." });
  }

  #opened(link: Link): void {
    const { session } = this;
    session.ask(link, () => {});
    if (session.active) return; // Takes over when its topics are subscribed.
    session.adopt(link);
    if (this.#application.face!.readyState === 0) this.#application.face!.opened();
  }

  // --- endings

  /** Closes a link for good; nothing follows. */
  #close(link: Link): void {
    const { socket, gone } = link;
    if (!this.#links.delete(link)) return;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    socket?.close(1000);
    gone.abort();
    this.session.lose(link);
  }

  /** The next link is on its way already: it takes over as it is. */
  #succeed(next: Link, code: number | undefined, reason: string): void {
    const { socket, provenAt } = next;
    this.#application.become("reconnecting", { code, reason });
    if (socket?.readyState !== 1) return;
    if (provenAt) this.session.switch(next);
    else this.session.adopt(next);
  }

  /** Dials after a while: the first socket, or the next one beside that which is live. */
  again(code?: number, reason?: string): void {
    const { clock } = this;
    const wait = backoff(this.#attempts++, clock.random());
    const state = this.#options.host.isOffline() ? "offline" : "reconnecting";
    clock.later("dial", wait, this.dial);
    if (this.session.active) return;
    this.#application.become(state, { code, reason, retryAt: clock.now() + wait });
  }

  /** For the refusal: nothing is dialled for now, and joins hear why. */
  refused(code: number | undefined, reason: string): void {
    this.clock.clear("dial");
    this.session.refuse(reason || `refused: ${code}`);
    this.#application.become("refused", { code, reason });
  }

  /** For the refusal: false while a socket is wanted, and none is there or on its way. */
  get isBusy(): boolean {
    return !this.#isOn || !!this.#opening || !!this.session.active;
  }
}
