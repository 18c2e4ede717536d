/** What realtime-js waits before it connects again, by the attempt; an open socket begins anew. */
const BACK_OFF_MS = [1_000, 2_000, 5_000, 10_000];
const HEARTBEAT_MS = 25_000;

/**
 * A tab that is signed out, as supabase-js behaves: it opens with the key, joins with the key, sends
 * heartbeats, joins again where it was refused, and comes back after each close.
 */
export class Tab {
  /** Sockets that it opened. */
  opened = 0;
  #socket: WebSocket | undefined;
  #timers: ReturnType<typeof setTimeout>[] = [];
  #tries = 0;
  #ref = 0;
  #left = false;

  constructor(readonly url: string, readonly key: string) {
    this.#connect();
  }

  /** Resolves when it is gone. */
  async leave(): Promise<void> {
    this.#left = true;
    this.#stopTimers();
    const socket = this.#socket!;
    if (socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
    socket.close();
    await closed;
  }

  #connect(): void {
    const socket = this.#socket = new WebSocket(this.url);
    socket.onopen = () => {
      if (this.#left) return;
      this.opened++;
      this.#tries = 0;
      this.#join();
      this.#timers.push(setInterval(() => this.#send("phoenix", "heartbeat", {}), HEARTBEAT_MS));
    };
    socket.onmessage = ({ data }) => {
      const [, , topic, event, { status }] = JSON.parse(data);
      if (topic !== "realtime:tab" || event !== "phx_reply" || status === "ok") return;
      this.#timers.push(setTimeout(() => this.#join(), BACK_OFF_MS[0]));
    };
    socket.onclose = () => {
      this.#stopTimers();
      if (this.#left) return;
      const wait = BACK_OFF_MS[this.#tries++] ?? BACK_OFF_MS.at(-1);
      this.#timers.push(setTimeout(() => this.#connect(), wait));
    };
  }

  #join(): void {
    this.#send("realtime:tab", "phx_join", { config: {}, access_token: this.key });
  }

  #send(topic: string, event: string, payload: unknown): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const ref = String(++this.#ref);
    this.#socket.send(JSON.stringify([ref, ref, topic, event, payload]));
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }
}
