import { dialled } from "./address.ts";
import { type Application, Carrier } from "./carrier.ts";
import type { CatchUp } from "./catch_up.ts";
import { type Data, decode, type Vsn } from "./frame.ts";
import type { Host } from "./host.ts";
import { fromApplication } from "./outgoing.ts";
import type { RelaySocket, Underneath } from "./socket.ts";
import type { RelayStatus } from "./status.ts";

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

/** An open socket answers within a second. After sleep it may be dead without having said so. */
const WAKE_MS = 5_000;

/** The application's side: a carrier that outlives the instances of the transport's class. */
export class Connection implements Underneath, Application {
  face?: RelaySocket;
  readonly #options: ConnectionOptions;
  #status: RelayStatus;
  #carrier?: Carrier;
  #vsn!: Vsn;
  #stopListening?: () => void;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#status = this.#statusOf("closed");
  }

  /** The status with the numbers of this moment. */
  get status(): RelayStatus {
    return { ...this.#status, ...this.#carrier?.session.figures };
  }

  get state(): RelayStatus["state"] {
    return this.#status.state;
  }

  get bufferedAmount(): number {
    return this.#carrier?.session.queue.bytes ?? 0;
  }

  get protocol(): string {
    return this.#carrier?.session.active?.socket?.protocol ?? "";
  }

  /** Gives the session a new face; dials where no socket is underneath. Returns the address. */
  attach(face: RelaySocket, address: URL): string {
    const { host, relay } = this.#options;
    this.face = face;
    this.#vsn = address.searchParams.get("vsn") === "2.0.0" ? "2.0.0" : "1.0.0";
    const carrier = this.#carrier ??= new Carrier(this.#options, this);
    this.#stopListening ??= host.onWake((why) => this.#wake(why));
    if (carrier.session.active) queueMicrotask(() => face.opened());
    else {
      this.become("connecting");
      carrier.start(address, this.#vsn);
    }
    return dialled(relay, address).href;
  }

  /** Takes the face away. Without `keep` the session ends with it. */
  detach(face: RelaySocket, keep: boolean): void {
    if (face !== this.face) return;
    this.face = undefined;
    this.#carrier!.stop();
    if (!keep) this.#carrier = undefined;
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.become("closed");
  }

  push(data: Data): void {
    const { session, refusal } = this.#carrier!;
    fromApplication(session, decode(this.#vsn, data));
    if (this.state === "refused") refusal.poll();
  }

  /** Dials at once where none is open. */
  retry(): void {
    this.#carrier?.retry();
  }

  become(state: RelayStatus["state"], more?: Partial<RelayStatus>): void {
    this.#status = this.#statusOf(state, more);
    this.#options.onstatus?.(this.status);
  }

  #statusOf(state: RelayStatus["state"], more?: Partial<RelayStatus>): RelayStatus {
    const { host, relay: { origin, pathname } } = this.#options;
    return { state, since: host.now(), relay: origin + pathname, caughtUp: 0, ...more };
  }

  /** The network or the page is back. */
  #wake(why: "online" | "visible"): void {
    const carrier = this.#carrier!;
    const { session } = carrier;
    const { active } = session;
    const isRefused = this.state === "refused";
    if (isRefused ? why === "visible" : !active) return carrier.retry();
    if (!active?.provenAt) return;
    session.ask(active, () => {}, WAKE_MS);
    carrier.check(active);
  }
}
