import { RelayError } from "../errors.ts";
import type { Place, Places } from "../peer/places.ts";

/** Tabs behind one address that open at once; each waits for a moment. */
const MAX_PER_ADDRESS = 8;

/** Whoever has a token sends it within one way there and back, on a slow network too. */
const GRACE_MS = 2_000;

/** How many of a bound may be there while nobody of them has had that time. */
const BURST = 2;

/** Who waits, and may be told to go. */
export interface Waiting {
  /** Ends its wait: others need the room. */
  giveWay(error: RelayError): void;
}

/** Those of one address: who waits, oldest first, and how many have a place, told to go or not. */
interface Neighbours {
  waiting: Set<Waiting>;
  present: number;
}

interface Entry {
  since: number;
  here: Neighbours;
}

/**
 * The bounds on sockets that a public key opened and that nobody has been named for. A stranger may
 * open such sockets without end, so they have a number of their own, and none is kept out by them: the
 * oldest gives way, of the same address first where that is known. Nobody gives way within two seconds
 * but in a burst of twice the number. As many as the number may be told to go and not be gone.
 */
export class WaitingRoom {
  /** Who waits, oldest first. */
  readonly #waiting = new Map<Waiting, Entry>();
  readonly #neighbours = new Map<string, Neighbours>();

  constructor(readonly most: number, readonly places: Places, readonly now: () => number) {}

  /** Throws `too_many_waiting` where too many that were told to go have not answered their close. */
  check(address: string | undefined): void {
    const leaving = this.places.counts.waiting - this.#waiting.size;
    if (leaving >= this.most) throw tooMany();
    const { present, waiting } = this.#of(address);
    const leavingHere = present - waiting.size;
    if (leavingHere >= MAX_PER_ADDRESS) throw tooMany();
  }

  /** Takes a place, which the socket has until it is gone, or is named. */
  enter(waiting: Waiting, address: string | undefined): Place {
    const here = this.#of(address);
    if (here.waiting.size >= MAX_PER_ADDRESS) this.#makeRoom(here.waiting, MAX_PER_ADDRESS);
    else if (this.#waiting.size >= this.most) this.#makeRoom(this.#waiting, this.most);
    this.#waiting.set(waiting, { since: this.now(), here });
    if (address !== undefined) this.#neighbours.set(address, here);
    here.waiting.add(waiting);
    here.present++;
    return this.places.take("waiting", () => {
      here.present--;
      if (here.present === 0 && address !== undefined) this.#neighbours.delete(address);
    });
  }

  /** It waits no longer. */
  leave(waiting: Waiting): void {
    this.#waiting.get(waiting)?.here.waiting.delete(waiting);
    this.#waiting.delete(waiting);
  }

  /** Where the address is not known, everybody is alone. */
  #of(address: string | undefined): Neighbours {
    const known = address === undefined ? undefined : this.#neighbours.get(address);
    return known ?? { waiting: new Set(), present: 0 };
  }

  #makeRoom(waiting: Set<Waiting> | Map<Waiting, Entry>, bound: number): void {
    const [oldest] = waiting.keys();
    const { since } = this.#waiting.get(oldest)!;
    if (waiting.size < BURST * bound && this.now() - since < GRACE_MS) return;
    this.leave(oldest);
    oldest.giveWay(tooMany());
  }
}

function tooMany(): RelayError {
  return new RelayError("too_many_waiting", "Too many sockets wait for their user's token.");
}
