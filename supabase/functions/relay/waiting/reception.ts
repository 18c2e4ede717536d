import type { Authenticator } from "../door/authenticate.ts";
import type { Identity } from "../door/identity.ts";
import type { Config } from "../config/config.ts";
import { RelayError } from "../errors.ts";
import type { Histogram } from "../measure/histogram.ts";
import type { Awake } from "../peer/awake.ts";
import type { Place, Places } from "../peer/places.ts";
import { Kept, type Sum, type Unsent } from "../peer/unsent.ts";
import type { Vsn } from "../realtime/upstream.ts";
import { CLOSED, type Message, OPEN, type Runtime, type Socket } from "../runtime.ts";
import { WaitingRoom } from "./room.ts";
import { Waiter } from "./waiter.ts";

/** What they have sent, all together; the worker's memory for what waits has four times as much. */
const MAX_WAITING_BYTES = 16 << 20;

/** Whose socket it is, as far as that is known. */
export interface Guest {
  /** Of the connection, for the log. */
  id: string;
  address: string | undefined;
  wire: { vsn: Vsn };
}

/** What becomes of a socket that has waited. */
export interface Exits<G extends Guest, Admitted> {
  /** Takes the user's place, and opens its way to Realtime. */
  admit(identity: Identity, guest: G): Promise<Admitted>;
  /** Takes that back. */
  giveUp(admitted: Admitted): void;
  /** Hands the socket over with what came meanwhile; settles when it is closed. */
  follow(id: string, client: Socket, admitted: Admitted, early: Message[]): Promise<void>;
  /** Counts and logs why it is not let in. */
  note(thrown: unknown, id: string): RelayError;
  /** Refuses it as others are, later; false where there is no room for that. */
  refuse(client: Socket, error: RelayError, vsn: Vsn, early: Message[]): boolean;
  /** Closes it; settles when it is gone, and gives the place back. */
  close(client: Socket, error: RelayError, place: Place): Promise<void>;
}

export interface ReceptionOptions {
  config: Config;
  authenticator: Pick<Authenticator, "authenticate">;
  runtime: Pick<Runtime, "now">;
  awake: Pick<Awake, "after">;
  places: Places;
  unsent: Unsent;
  /** Sockets that may wait. */
  most: number;
  /** Told how long it took from the frame that names the user until the socket is let in. */
  took: Pick<Histogram, "note">;
}

/** Receives sockets that a public key opened: who each is for, a frame is to tell. */
export class Reception<G extends Guest, Admitted> {
  readonly #room: WaitingRoom;
  readonly #receiving = new Map<Waiter, Promise<void>>();
  readonly #memory: Sum;

  constructor(readonly options: ReceptionOptions, readonly exits: Exits<G, Admitted>) {
    const { most, places, runtime, unsent } = options;
    this.#memory = new Kept(unsent, MAX_WAITING_BYTES);
    this.#room = new WaitingRoom(most, places, runtime.now);
  }

  /** Throws `too_many_waiting`. */
  check(address: string | undefined): void {
    this.#room.check(address);
  }

  /** Settles when the socket has gone. Never rejects. */
  receive(client: Socket, guest: G): Promise<void> {
    const { vsn } = guest.wire;
    const waiter = new Waiter({ ...this.options, client, vsn, memory: this.#memory });
    const received = this.#lead(waiter, guest).finally(() => this.#receiving.delete(waiter));
    this.#receiving.set(waiter, received);
    return received;
  }

  /** Ends the wait of all, the worker being told to end. Settles when they have gone. */
  async end(): Promise<void> {
    const restart = new RelayError("restart", "The worker is ending.");
    for (const waiter of this.#receiving.keys()) waiter.end(restart);
    await Promise.all(this.#receiving.values());
  }

  async #lead(waiter: Waiter, guest: G): Promise<void> {
    const { client } = waiter.options;
    const place = this.#room.enter(waiter, guest.address);
    client.addEventListener("close", () => place.leave(), { once: true });
    try {
      const identity = await waiter.named.finally(() => this.#room.leave(waiter));
      if (!identity) return;
      place.leave();
      const { runtime: { now }, took } = this.options;
      const start = now();
      const admitted = await this.#admit(identity, waiter, guest);
      if (client.readyState !== OPEN) return this.exits.giveUp(admitted);
      took.note(now() - start);
      await this.exits.follow(guest.id, client, admitted, waiter.handOver());
    } catch (thrown) {
      await this.#turnAway(waiter, guest, place, thrown);
    }
  }

  /** Rejects also where the waiter is told to go meanwhile. */
  async #admit(identity: Identity, waiter: Waiter, guest: G): Promise<Admitted> {
    const admitting = this.exits.admit(identity, guest);
    try {
      return await Promise.race([admitting, waiter.failed]);
    } catch (error) {
      admitting.then((admitted) => this.exits.giveUp(admitted), () => "It failed by itself.");
      throw error;
    }
  }

  async #turnAway(waiter: Waiter, guest: G, place: Place, thrown: unknown): Promise<void> {
    const { client, vsn } = waiter.options;
    const error = this.exits.note(thrown, guest.id);
    const early = waiter.stop();
    const isRefused = !waiter.hasWaited && client.readyState <= OPEN &&
      this.exits.refuse(client, error, vsn, early);
    if (isRefused || client.readyState === CLOSED) return place.leave();
    // Who was named has given its place back, and is here until it is gone.
    if (!place.isTaken) place = this.options.places.take("waiting");
    await this.exits.close(client, error, place);
  }
}
