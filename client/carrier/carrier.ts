import type { CatchUp } from "../catch_up.ts";
import { type Data, decode, encode, messagesOf, type Vsn } from "../frame.ts";
import type { Host } from "../host.ts";
import type { Link } from "../session/link.ts";
import { type Happening, Session } from "../session/session.ts";
import type { Deed } from "../session/state.ts";
import { attempt, domError, type RelaySocket, type Underneath } from "../socket.ts";
import type { RelayStatus } from "../status.ts";
import { BATCHES, dialled, isDirect, offered } from "./address.ts";
import { Connection } from "./connection.ts";
import { Reader } from "./reader.ts";
import type { Act, Event } from "./way.ts";
import { forbidden, NO_HANDLERS, NO_SOCKET } from "./words.ts";

type Token = string | null | undefined;

export interface CarrierOptions {
  relay: URL;
  token?: () => Token | Promise<Token>;
  onstatus?(status: RelayStatus): void;
  catchUp: CatchUp[];
  maxQueueBytes: number;
  wallClockMs?: number;
  host: Host;
}

/** A socket's face has its handlers at once; a realtime-js that sets none is older than it should be. */
const HANDLERS_MS = 5_000;

/** Longer waits than this, 24 days, fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The shell around the two machines: it owns sockets, timers and the calls of token(), tells them
 * what happens, and does what they answer.
 */
export class Carrier implements Underneath {
  /** Null where it has left, and the session goes on with the next one. */
  face?: RelaySocket | null;
  readonly #options: CarrierOptions;
  readonly #connection: Connection;
  readonly #sockets = new Map<Link, WebSocket>();
  readonly #reader = new Reader((happening) => this.#tell(happening));
  #session: Session;
  #address!: URL;
  #vsn!: Vsn;
  #stopListening?: () => void;
  #timer?: { at: number; id: unknown };
  #depth = 0;
  /** Until when the face is to have handlers. */
  #hearBy = Infinity;
  #isUnheard = false;
  #said = "";
  #state: RelayStatus["state"] = "closed";
  #since: number;

  constructor(options: CarrierOptions) {
    const { wallClockMs, relay, host } = options;
    this.#options = options;
    this.#connection = new Connection({ wallClockMs, isDirect: isDirect(relay) });
    this.#session = this.#createSession();
    this.#since = host.now();
  }

  #createSession(): Session {
    const { catchUp, maxQueueBytes, token } = this.#options;
    return new Session(catchUp, maxQueueBytes, !!token);
  }

  /** How it stands at this moment. */
  get status(): RelayStatus {
    const { relay: { origin, pathname } } = this.#options;
    const { figures, standings } = this.#session;
    const { status } = this.#connection;
    return {
      ...status,
      ...(this.#isUnheard && { reason: NO_HANDLERS }),
      ...{ since: this.#since, relay: origin + pathname, ...figures, channels: standings },
    };
  }

  get bufferedAmount(): number {
    // Newer versions of realtime-js wait for it before they close, and a page that is put away stands still.
    return this.#options.host.isAway() ? 0 : this.#session.queue.bytes;
  }

  get protocol(): string {
    return this.#sockets.get(this.#session.active!)?.protocol ?? "";
  }

  // --- the application's side

  /** Gives the session a face; dials where no socket is underneath. Returns the address. */
  attach(face: RelaySocket, address: URL): string {
    const { host, relay } = this.#options;
    this.face = face;
    this.#address = address;
    this.#vsn = address.searchParams.get("vsn") === "2.0.0" ? "2.0.0" : "1.0.0";
    this.#hearBy = host.now() + HANDLERS_MS;
    this.#stopListening ??= host.onWake((why) => this.#happens({ is: "woken", why }));
    this.#happens({ is: "attached" });
    return dialled(relay, address).href;
  }

  /** Takes the face away. Without `keep` the session ends with it, unless the page is away. */
  detach(keep: boolean): void {
    // Where there is nothing to keep, it is not in the way of another client that comes back.
    const isKept = this.#options.host.isAway() || (keep && this.#session.known.size > 0);
    this.face = isKept ? null : undefined;
    this.#isUnheard = false;
    this.#hearBy = Infinity;
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#happens({ is: "detached" });
    if (isKept) this.#session.channels.clear();
    else this.#session = this.#createSession();
    this.#session.dues.clear();
    this.#reader.stop();
    this.#arm();
  }

  push(data: Data): void {
    const isOpen = this.#sockets.get(this.#session.active!)?.readyState === 1;
    this.#tell({ is: "pushed", frame: decode(this.#vsn, data), isOpen });
    this.#happens({ is: "used" });
  }

  /** Dials at once where none is open. */
  retry(): void {
    this.#happens({ is: "retry" });
  }

  // --- the machines

  #happens(event: Event): void {
    const { host } = this.#options;
    const at = { now: host.now(), chance: host.random(), isOffline: host.isOffline() };
    this.#run(() => {
      for (const act of this.#connection.step(event, at)) this.#act(act);
    });
  }

  #tell(happening: Happening): void {
    const { host } = this.#options;
    this.#run(() => {
      const deeds = this.#session.step(happening, host.now(), host.random());
      for (const deed of deeds) this.#perform(deed);
    });
  }

  /** What follows from what happens is done before word of it goes out. */
  #run(then: () => void): void {
    this.#depth++;
    try {
      then();
    } finally {
      if (--this.#depth === 0) {
        this.#say();
        this.#arm();
      }
    }
  }

  #act(act: Act): void {
    if ("is" in act) {
      // The application may have closed what it is about, as it heard of what came before.
      const isOver = "link" in act && !this.#sockets.has(act.link);
      return isOver ? undefined : this.#tell(act);
    }
    switch (act.do) {
      case "ask":
        return void this.#ask();
      case "dial":
        return this.#dial(act.link);
      case "close":
        return this.#close(act.link);
      case "open":
        return this.#open(act.again);
    }
  }

  #perform(deed: Deed): void {
    if ("is" in deed) return this.#happens(deed);
    switch (deed.do) {
      case "send": {
        const socket = this.#sockets.get(deed.link);
        return socket?.readyState === 1 ? socket.send(encode(this.#vsn, deed.frame)) : undefined;
      }
      case "deliver": {
        const { face } = this;
        const data = encode(this.#vsn, deed.frame);
        // What was read again: Realtime brings no binary message in this version.
        if (deed.frame.topic && typeof data !== "string" && this.#vsn === "1.0.0") return;
        const deliver = () => face?.deliver(data);
        return deed.soon ? void Promise.resolve().then(deliver) : deliver();
      }
      case "throw":
        throw domError("QuotaExceededError", deed.reason);
      case "read":
        return void this.#reader.read(deed);
      case "stop":
        return this.#reader.stop(deed.topic, deed.part);
      case "ask time":
        return void this.#reader.time(deed.topic, deed.catchUp);
    }
  }

  // --- token(), sockets, time

  async #ask(): Promise<void> {
    try {
      const given = await this.#options.token?.();
      // An object, such as a whole session, is said to be no token.
      const token = given ? String(given).trim() || null : null;
      // Where none is asked for, that of the application's frames counts.
      const own = this.#options.token ? token : this.#session.inBand ?? null;
      this.#happens({ is: "token", token, own });
    } catch (error) {
      // Not the error's text: a token may be in it.
      this.#happens({ is: "no token", name: String((error as Error)?.name) });
    }
  }

  #dial(link: Link): void {
    const { relay, host } = this.#options;
    const { handshake } = link;
    const url = dialled(relay, this.#address, isDirect(relay) || !handshake);
    if (!host.WebSocket) {
      return this.#happens({ is: "forbidden", link, reason: NO_SOCKET });
    }
    let socket: WebSocket;
    try {
      socket = new host.WebSocket(url.href, offered(relay, handshake));
      // Where the page's policy forbids it Chromium makes one that is closed, and fires no close.
      if (socket.readyState === 3) throw { name: "SecurityError" };
    } catch (error) {
      return this.#happens({ is: "forbidden", link, reason: forbidden(relay, error) });
    }
    this.#sockets.set(link, socket);
    socket.binaryType = "arraybuffer";
    socket.onopen = () =>
      this.#run(() => {
        this.#tell({ is: "opened", link });
        this.#happens({ is: "opened", link });
      });
    socket.onmessage = ({ data }) => this.#came(link, socket, data);
    socket.onclose = ({ code, reason }) => this.#happens({ is: "closed", link, code, reason });
    socket.onerror = () => {}; // The npm package `ws` throws where nobody listens.
  }

  #came(link: Link, socket: WebSocket, data: Data): void {
    for (const message of messagesOf(data, socket.protocol === BATCHES)) {
      if (this.#sockets.get(link) !== socket) return; // What came before has ended it.
      this.#tell({ is: "came", link, frame: decode(this.#vsn, message) });
    }
  }

  #close(link: Link): void {
    const socket = this.#sockets.get(link);
    this.#sockets.delete(link);
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(1000);
    }
    this.#tell({ is: "lost", link });
  }

  #open(again: boolean): void {
    const { face } = this;
    if (again) void Promise.resolve().then(() => face?.opened());
    else if (face?.readyState === 0) face.opened();
  }

  #due = (): void => {
    this.#timer = undefined;
    const { face } = this;
    if (this.#hearBy <= this.#options.host.now()) {
      this.#hearBy = Infinity;
      this.#isUnheard = !!face && !face.isHeard;
      if (this.#isUnheard) console.warn(NO_HANDLERS);
    }
    this.#run(() => {
      this.#tell({ is: "due" });
      this.#happens({ is: "due" });
    });
  };

  /** One timer, for whatever is due first. Where each frame set it anew it might never come. */
  #arm(): void {
    const { host } = this.#options;
    const at = Math.min(this.#session.dueAt, this.#connection.dueAt, this.#hearBy);
    if (at === this.#timer?.at) return;
    if (this.#timer) host.clearTimeout(this.#timer.id);
    this.#timer = undefined;
    if (at === Infinity) return;
    const ms = Math.min(Math.max(at - host.now(), 0), MAX_TIMER_MS);
    this.#timer = { at, id: host.setTimeout(this.#due, ms) };
  }

  /** Tells of a change of state, and of a move to another socket. */
  #say(): void {
    const { status, active } = this.#connection;
    const said = JSON.stringify([status, active?.id, this.#isUnheard]);
    if (said === this.#said) return;
    this.#said = said;
    if (status.state !== this.#state) this.#since = this.#options.host.now();
    this.#state = status.state;
    attempt(() => this.#options.onstatus?.(this.status));
  }
}
