import { joinText } from "../../../support/hub/churn.ts";
import { BATCHES } from "../../../support/hub/stage.ts";
import { RawSocket } from "../../../support/raw_socket.ts";
import { PUBLISHABLE_KEY } from "../../../support/tokens.ts";
import { Wire } from "../../../support/wire.ts";
import type { Chance } from "./chance.ts";

/** Who comes, and how often of a hundred. */
const KINDS = {
  viewer: 25,
  batching: 20,
  user: 35,
  /** A viewer who signs in, and goes over to channels of their own. */
  signing: 5,
  refused: 7,
  /** Reads nothing and does not answer a close. */
  mute: 4,
  /** Leaves in the middle of the handshake. */
  hasty: 4,
};

/** `late`: found no answer, on a machine that has no time for the relay. */
export type Kind = keyof typeof KINDS | "late";

/** Where and as whom one lives. */
export interface Habitat {
  /** `127.0.0.1:<port>`. */
  address: string;
  /** Of users, each of another. */
  tokens: readonly string[];
  /** Of nobody any more. */
  expired: string;
  chance: Chance;
  /** Of a life, in ms. */
  meanMs: number;
  /** Aborts when all are to go. */
  end: AbortSignal;
  /** Some leave while Realtime is dialled, whose places are given up after 10 s. */
  leaveInDial: boolean;
}

/** Channels of a page, each with many who watch. */
const TOPICS = 30;

/** What one who lives does next, and how often of a hundred. */
const DEEDS = { broadcast: 10, heartbeat: 50, leave: 20, join: 20 };

/** Comes, stays for a while, and goes in one way or another; returns as whom. */
export async function live(habitat: Habitat): Promise<Kind> {
  const kind = habitat.chance.pick(KINDS);
  if (kind === "hasty") return await beHasty(habitat);
  if (kind === "mute") return await beMute(habitat);
  await new Guest(habitat, kind).live();
  return kind;
}

const pathOf = (query: string) => `/functions/v1/relay/websocket?vsn=2.0.0&${query}`;

async function beHasty({ address, chance, tokens, leaveInDial }: Habitat): Promise<Kind> {
  using wire = await Wire.to(`http://${address}`).catch(() => undefined);
  if (!wire) return "late";
  const lines = [
    `GET ${pathOf(`jwt=${tokens[chance.below(tokens.length)]}`)} HTTP/1.1`,
    ...[`Host: ${address}`, "Upgrade: websocket", "Connection: Upgrade"],
    ...["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", ""],
  ];
  const text = lines.join("\r\n");
  await wire.send(
    text.slice(0, leaveInDial && chance.is(0.5) ? text.length : chance.below(text.length)),
  );
  await pause(chance.about(10));
  return "hasty";
}

async function beMute({ address, chance, meanMs, end }: Habitat): Promise<Kind> {
  const url = `ws://${address}${pathOf(`apikey=${PUBLISHABLE_KEY}`)}`;
  using socket = await RawSocket.open(url).catch(() => undefined);
  if (!socket) return "late";
  await socket.sendText(joinText(1, topicOf(chance)));
  await pause(chance.about(meanMs / 2), end);
  return "mute";
}

const topicOf = (chance: Chance) => `realtime:room-${chance.below(TOPICS)}`;

/** Whoever is polite enough for a WebSocket. */
class Guest {
  readonly #socket: WebSocket;
  readonly #over = new AbortController();
  /** The refs of the latest joins, by topic. */
  readonly #joined = new Map<string, string>();
  #refs = 0;

  constructor(readonly habitat: Habitat, readonly kind: Kind) {
    const { address, end } = habitat;
    const protocols = kind === "batching"
      ? [BATCHES]
      : kind === "user"
      ? ["realtime-relay.v1"]
      : [];
    this.#socket = new WebSocket(`ws://${address}${pathOf(this.#credential())}`, protocols);
    this.#socket.onclose = () => this.#over.abort();
    end.addEventListener("abort", this.#go, { once: true });
  }

  async live(): Promise<void> {
    const { chance, meanMs, end } = this.habitat;
    const opened = new Promise<void>((resolve) => {
      this.#socket.onopen = () => resolve();
      this.#over.signal.addEventListener("abort", () => resolve());
    });
    await opened;
    this.#join();
    if (chance.is(0.3)) this.#join();
    const until = performance.now() + chance.about(meanMs);
    while (performance.now() < until && !this.#over.signal.aborted && !end.aborted) {
      const restMs = Math.max(0, until - performance.now());
      await pause(Math.min(chance.about(meanMs / 4), restMs), this.#over.signal);
      this.#act();
    }
    this.#go();
    if (!this.#over.signal.aborted) {
      await new Promise((resolve) => this.#over.signal.addEventListener("abort", resolve));
    }
    end.removeEventListener("abort", this.#go);
  }

  #credential(): string {
    const { tokens, expired, chance } = this.habitat;
    if (this.kind === "refused") return `jwt=${expired}`;
    if (this.kind === "user") return `jwt=${tokens[chance.below(tokens.length)]}`;
    return `apikey=${PUBLISHABLE_KEY}`;
  }

  #act(): void {
    const { chance, tokens } = this.habitat;
    if (this.kind === "signing" && chance.is(0.5)) {
      const access_token = tokens[chance.below(tokens.length)];
      return this.#send(topicOf(chance), "access_token", { access_token });
    }
    switch (chance.pick(DEEDS)) {
      case "broadcast":
        return this.#send(topicOf(chance), "broadcast", {
          type: "broadcast",
          event: "x",
          payload: { text: "x".repeat(chance.below(2_000)) },
        });
      case "heartbeat":
        return this.#send("phoenix", "heartbeat", {});
      case "leave":
        return this.#leave(topicOf(chance));
      case "join":
        return this.#join();
    }
  }

  #join(): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const topic = topicOf(this.habitat.chance);
    this.#joined.set(topic, String(++this.#refs));
    this.#socket.send(joinText(this.#refs, topic));
  }

  /** By the join's own ref: any other is passed over. */
  #leave(topic: string): void {
    this.#send(topic, "phx_leave", {}, this.#joined.get(topic));
  }

  #send(topic: string, event: string, payload: unknown, joinRef: string | null = null): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify([joinRef, String(++this.#refs), topic, event, payload]));
  }

  readonly #go = (): void => {
    const isEarly = this.#socket.readyState === WebSocket.CONNECTING;
    if (!isEarly || this.habitat.leaveInDial) this.#socket.close();
  };
}

/** Waits so long, or until the signal. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const wake = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    signal?.addEventListener("abort", wake, { once: true });
  });
}
