import type { Emission } from "../judge/ledger.ts";
import type { World } from "../world.ts";
import { binary, type Frame, text } from "./frames.ts";
import type { WorldSocket } from "./socket.ts";

export const BATCHES = "realtime-relay.v2";

/** What passes on one socket in both directions: in its order, and late. */
export class Wire {
  /** Nothing passes any more, and nobody says so. */
  isDead = false;
  isClosed = false;
  /** What was negotiated. */
  protocol = "";
  /** Nothing passes before. */
  stalledUntil = 0;
  #lastUp = 0;
  #lastDown = 0;
  /** Frames of one moment, which go together, and what they bring. */
  #batch?: { lines: string[]; emissions: Emission[] };

  constructor(readonly world: World, readonly socket: WorldSocket) {}

  get isUp(): boolean {
    return !this.isClosed && !this.isDead && this.socket.readyState === 1;
  }

  get latency(): number {
    return this.world.setup.latencyMs + (this.world.weather.now("latency")?.addMs ?? 0);
  }

  /** To the server. */
  up(then: () => void): void {
    if (this.isDead) return;
    const { time } = this.world;
    const at = this.#lastUp = Math.max(time.now + this.latency, this.stalledUntil, this.#lastUp);
    time.later(at - time.now, () => !this.isDead && !this.isClosed && then());
  }

  /** To the client. */
  down(frame: Frame, emission?: Emission): void {
    if (this.isClosed || this.isDead) return;
    const { setup } = this.world;
    const isUsers = emission?.kind === "peer" && setup.vsn === "2.0.0";
    const data = isUsers ? binary(frame) : text(setup.vsn, frame);
    const emissions = emission ? [emission] : [];
    if (this.protocol === BATCHES && typeof data === "string") this.#gather(data, emissions);
    else this.#bring(data, emissions);
  }

  /** Frames of one moment go in one message, each on a line of its own. */
  #gather(data: string, emissions: Emission[]): void {
    if (this.#batch) {
      this.#batch.lines.push(data);
      return void this.#batch.emissions.push(...emissions);
    }
    const batch = this.#batch = { lines: [data], emissions };
    this.world.time.later(0, () => {
      this.#batch = undefined;
      this.#bring(batch.lines.join("\n"), batch.emissions);
    });
  }

  #bring(data: string | ArrayBuffer, emissions: Emission[]): void {
    const { ledger } = this.world;
    this.#arrive(() => {
      if (this.isDead || !this.socket.isOpen) return;
      emissions.forEach((each) => this.#brought(each));
      if (typeof data === "string") ledger.note(`<- ${data.slice(0, 300)}`);
      this.socket.bring(data);
    });
  }

  #arrive(then: () => void): void {
    const { time } = this.world;
    const at = Math.max(time.now + this.latency, this.stalledUntil, this.#lastDown);
    this.#lastDown = at;
    time.later(at - time.now, then, "arrival");
  }

  #brought(emission: Emission): void {
    if (emission.broughtBy?.isOpen) return;
    emission.broughtAt = this.world.time.now;
    emission.broughtBy = this.socket;
  }

  /** Closes it with this code; 1006 is a socket that was lost. */
  end(code: number, reason: string): void {
    if (this.isClosed || this.isDead) return;
    this.isClosed = true;
    this.forget();
    this.#arrive(() => {
      this.world.ledger.note(`closed ${code} ${reason}`);
      this.socket.closed(code, reason);
    });
  }

  /** Nothing passes any more in either direction. */
  die(): void {
    this.isDead = true;
    this.forget();
  }

  closedByClient(): void {
    this.world.time.later(this.latency, () => {
      this.isClosed = true;
      this.forget();
    });
  }

  /** Nobody is at its other end any more. */
  forget(): void {}
}
