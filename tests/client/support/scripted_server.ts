import { decode, encode, type Frame, type Vsn } from "../../../client/frame.ts";
import {
  type Host,
  type RelayStatus,
  type RelayTransport,
  relayTransport,
  type RelayTransportOptions,
} from "../../../client/mod.ts";
import type { RelaySocket } from "../../../client/socket.ts";

const ADDRESS = "wss://abc.supabase.co/realtime/v1/websocket?apikey=sb_publishable_x&vsn=";

/** One socket that the transport has dialled. The test plays the server. */
export class ScriptedSocket extends EventTarget {
  readonly CLOSED = 3;
  readyState = 0;
  binaryType = "";
  protocol = "";
  bufferedAmount = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readonly frames: Frame[] = [];
  /** Answers joins and heartbeats by itself. */
  answers = true;

  constructor(readonly url: URL, readonly protocols: string[], readonly vsn: Vsn) {
    super();
  }

  get token(): string | undefined {
    return this.protocols.find((name) => name.startsWith("jwt-"))?.slice(4);
  }

  open(): void {
    this.readyState = 1;
    this.protocol = this.protocols[0];
    this.onopen?.();
  }

  send(data: string | ArrayBuffer): void {
    const { raw: _raw, ...frame } = decode(this.vsn, data);
    this.frames.push(frame);
    if (!this.answers || !["heartbeat", "phx_join", "phx_leave"].includes(frame.event)) return;
    const answer = { status: "ok", response: { postgres_changes: [] } };
    queueMicrotask(() => this.readyState === 1 && this.reply(frame, answer));
  }

  reply(frame: Frame, payload: Record<string, unknown>): void {
    this.bring({ ...frame, event: "phx_reply", payload });
  }

  bring(frame: Frame): void {
    this.onmessage?.({ data: encode(this.vsn, frame) });
  }

  /** The relay's way to refuse: each join is told why, and then the socket is closed. */
  refuse(code: number, reason: string): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  close(): void {
    if (this.readyState < 2) this.readyState = 3;
  }

  out(event: string): Frame[] {
    return this.frames.filter((frame) => frame.event === event);
  }
}

/** A world in which nothing happens but what the test does: clock, chance, network, sockets. */
export class ScriptedWorld {
  now = 1_000_000;
  random = 0.5;
  offline = false;
  away = false;
  readonly sockets: ScriptedSocket[] = [];
  readonly statuses: RelayStatus[] = [];
  readonly transport: RelayTransport;
  wake: (why: "online" | "visible") => void = () => {};
  #timers = new Map<number, { at: number; then: () => void }>();
  #ids = 0;

  constructor(
    options: Partial<RelayTransportOptions> = {},
    readonly vsn: Vsn = "2.0.0",
    create = relayTransport,
  ) {
    this.transport = create({
      relay: "https://relay.test/functions/v1/relay",
      token: () => null,
      ...options,
      onstatus: (status) => this.statuses.push(status),
      host: this.#host(),
    });
  }

  #host(): Host {
    const { sockets, vsn } = this;
    return {
      WebSocket: class {
        constructor(url: string | URL, protocols: string[] = []) {
          const socket = new ScriptedSocket(new URL(url), protocols, vsn);
          sockets.push(socket);
          return socket;
        }
      } as unknown as Host["WebSocket"],
      now: () => this.now,
      random: () => this.random,
      setTimeout: (then, ms) => {
        this.#timers.set(++this.#ids, { at: this.now + ms, then });
        return this.#ids;
      },
      clearTimeout: (timer) => void this.#timers.delete(timer as number),
      isOffline: () => this.offline,
      isAway: () => this.away,
      onWake: (wake) => {
        this.wake = wake;
        return () => this.wake = () => {};
      },
    };
  }

  get timers(): number {
    return this.#timers.size;
  }

  get socket(): ScriptedSocket {
    return this.sockets.at(-1)!;
  }

  get states(): string[] {
    return this.statuses.map(({ state }) => state);
  }

  /** Lets the promises run that are settled. */
  async settle(): Promise<void> {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }

  /** Somebody sets this machine's clock: its timers do not mind. */
  setClock(ms: number): void {
    this.now += ms;
    for (const timer of this.#timers.values()) timer.at += ms;
  }

  /** Lets time pass, timer by timer. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    while (true) {
      await this.settle();
      const due = [...this.#timers].filter(([, { at }]) => at <= end)
        .sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.now = Math.max(this.now, due[1].at);
      due[1].then();
    }
    this.now = end;
    await this.settle();
  }

  /** The application's socket, and the frames that reached it. */
  connect(): { face: RelaySocket; frames: Frame[]; opened: () => number } {
    const face = new this.transport(ADDRESS + this.vsn);
    const frames: Frame[] = [];
    let opened = 0;
    face.onopen = () => opened++;
    face.onmessage = ({ data }) => frames.push(decode(this.vsn, data));
    return { face, frames, opened: () => opened };
  }

  /** A connected application with a joined topic. */
  async live(topic = "realtime:room", config: Record<string, unknown> = {}, token?: string) {
    const application = this.connect();
    await this.settle();
    this.socket.open();
    this.join(application.face, topic, config, "1", token);
    await this.settle();
    return { ...application, first: this.socket };
  }

  join(
    face: RelaySocket,
    topic: string,
    config: Record<string, unknown> = {},
    ref = "1",
    token?: string,
  ): void {
    const payload = { config, ...(token && { access_token: token }) };
    face.send(encode(this.vsn, { join_ref: ref, ref, topic, event: "phx_join", payload }));
  }

  push(face: RelaySocket, frame: Frame): void {
    face.send(encode(this.vsn, frame));
  }
}
