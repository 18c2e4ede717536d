import { readConfig } from "../../../supabase/functions/relay/config/config.ts";
import type { HubReport } from "../../../supabase/functions/relay/hub/hub.ts";
import { type Frame, parseFrame } from "../../../supabase/functions/relay/realtime/phoenix.ts";
import { createRelay, type Handler } from "../../../supabase/functions/relay/relay.ts";
import type { LogLine, Message, Runtime } from "../../../supabase/functions/relay/runtime.ts";
import type { Vsn } from "../../../supabase/functions/relay/realtime/upstream.ts";
import { PUBLISHABLE_KEY, SECRET, signAnonKey } from "../tokens.ts";
import { Clock } from "./clock.ts";
import { FakeRealtime } from "./fake_realtime.ts";
import { FakeSocket } from "./fake_socket.ts";

/** A second key of the project. */
export const OTHER_KEY = "sb_publishable_other_key_of_a_project";

/** Nothing that a page without presence leaves out. */
export const CONFIG = {
  broadcast: { ack: false, self: false },
  presence: { key: "", enabled: false },
  postgres_changes: [{ event: "*", schema: "public", table: "url_clicks" }],
  private: false,
};

/** Who negotiates this takes several frames in a message. */
export const BATCHES = "realtime-relay.v2";

/** What clients of the next stages offer, where they offer any subprotocol. */
let offered: string | undefined;

/** A test that holds for clients that read a frame at a time, and for those that take batches. */
export function test(name: string, work: () => Promise<void>): void {
  Deno.test(name, work);
  Deno.test(`in batches: ${name}`, async () => {
    offered = BATCHES;
    await work().finally(() => offered = undefined);
  });
}

/** The whole relay in this process, between clients and a Realtime that are not there. */
export class Stage implements Disposable {
  readonly clock = new Clock();
  readonly realtime = new FakeRealtime();
  readonly log: LogLine[] = [];
  readonly clients: FakeClient[] = [];
  readonly #sockets = new WeakMap<Request, FakeSocket>();
  readonly #handler: Handler;
  /** What clients offer from now on. */
  protocol = offered;

  constructor(environment: Record<string, string> = {}, changes: Partial<Runtime> = {}) {
    const config = readConfig({
      SUPABASE_URL: "http://project.test",
      SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: PUBLISHABLE_KEY, other: OTHER_KEY }),
      SUPABASE_ANON_KEY: anonKey,
      RELAY_JWT_SECRET: SECRET,
      RELAY_ANONYMOUS: "allow",
      ...environment,
    });
    this.#handler = createRelay(config, {
      strictProtocolList: false,
      timersPerRequest: false,
      upgrade: (request) => ({ socket: this.#sockets.get(request)!, response: new Response() }),
      dial: this.realtime.dial,
      keepAlive() {},
      onShutdown() {},
      maxSockets: 100_000,
      now: this.clock.now,
      log: (line) => this.log.push(line),
      fetch: () => Promise.reject(new Error("no network here")),
      ...changes,
    });
  }

  /** Opens a socket as a viewer with this key or a user with this token. */
  async open(credential = PUBLISHABLE_KEY, vsn: Vsn = "2.0.0"): Promise<FakeClient> {
    const client = new FakeClient(vsn, this.protocol === BATCHES);
    client.socket = await this.connect((message) => client.take(message), credential, vsn);
    this.clients.push(client);
    return client;
  }

  /** The same, for who takes what comes by itself. */
  async connect(
    onMessage: (message: Message) => void,
    credential: string,
    vsn: Vsn,
  ): Promise<FakeSocket> {
    const url = `http://relay.test/relay/websocket?vsn=${vsn}&apikey=${credential}`;
    const headers = {
      upgrade: "websocket",
      connection: "upgrade",
      "sec-websocket-key": "a",
      "sec-websocket-version": "13",
      ...(this.protocol && { "sec-websocket-protocol": this.protocol }),
    };
    const socket = new FakeSocket(onMessage);
    const request = new Request(url, { headers });
    this.#sockets.set(request, socket);
    await this.#handler(request);
    socket.open();
    return socket;
  }

  /** Opens a socket and joins; resolves when the answer is there. */
  async view(topic: string, config: unknown = CONFIG, ...how: Parameters<Stage["open"]>) {
    const client = await this.open(...how);
    client.join(topic, config);
    await this.clock.settle();
    return client;
  }

  /** Asks the relay by HTTP. */
  ask(request: Request): Promise<Response> {
    return this.#handler(request);
  }

  async hub(): Promise<HubReport> {
    const answer = await this.ask(new Request("http://relay.test/relay/health"));
    return (await answer.json()).hub;
  }

  [Symbol.dispose](): void {
    this.clock[Symbol.dispose]();
  }
}

const anonKey = await signAnonKey();

/** A client that remembers what it was told. */
export class FakeClient {
  socket!: FakeSocket;
  /** All frames, from the oldest. */
  readonly frames: Frame[] = [];
  /** The same, as they came. */
  readonly texts: string[] = [];
  /** The messages in which they came, binary ones too. */
  readonly messages: Message[] = [];
  #refs = 0;

  constructor(readonly vsn: Vsn, readonly takesBatches = false) {}

  /** Sends a frame; returns its ref. */
  send(topic: string, event: string, payload: unknown = {}, join_ref?: string): string {
    const ref = String(++this.#refs);
    const frame = { join_ref: join_ref ?? (event === "phx_join" ? ref : null), ref, topic };
    const text = this.vsn === "2.0.0"
      ? JSON.stringify([frame.join_ref, ref, topic, event, payload])
      : JSON.stringify({ ...frame, event, payload });
    this.socket.receive(text);
    return ref;
  }

  join(topic: string, config: unknown = CONFIG, access_token?: string): string {
    return this.send(topic, "phx_join", { config, access_token });
  }

  /** What it was told, in short: the event, and what tells frames of one event apart. */
  heard(): string[] {
    return this.frames.map(({ event, payload, join_ref, ref }) => {
      const { status, response, data, event: name } = (payload ?? {}) as Record<string, unknown>;
      if (event === "phx_reply") {
        const { reason } = (response ?? {}) as { reason?: string };
        return [event, ref, status, reason].filter((part) => part !== undefined).join(" ");
      }
      if (event === "postgres_changes") return `change ${JSON.stringify(data)}`;
      if (event === "broadcast") return `broadcast ${name}`;
      if (event === "system") return `system ${status}`;
      return `${event} ${ref ?? join_ref}`;
    });
  }

  take(message: Message): void {
    this.messages.push(message);
    if (typeof message !== "string") return;
    for (const text of this.takesBatches ? message.split("\n") : [message]) {
      this.texts.push(text);
      this.frames.push(parseFrame(this.vsn, text)!);
    }
  }
}
