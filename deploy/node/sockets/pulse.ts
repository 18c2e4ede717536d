/** Half of the minute after which proxies cut a silent socket. */
const PING_MS = 30_000;

/** Thousands at once would keep everybody waiting: the pings are spread over their time. */
const SLOTS = 30;

/** A slow reader answers late, since a ping waits behind what was sent before: three are waited for. */
const MAX_MISSES = 3;

/** A peer that is asked whether it is there. */
export interface Beating {
  /** Set when it has answered. */
  wasHeard: boolean;
  /** How many pings in a row it has not answered, reading nothing meanwhile. */
  misses: number;
  /** Where it is looked after. */
  slot: Set<Beating> | undefined;
  /** What of `untaken` there was at the last ping. */
  untakenBefore: number;
  /** Bytes that wait for it in this process. */
  readonly untaken: number;
  ping(): void;
  terminate(): void;
}

/** Pings peers every 30 s, and cuts the connection of one that has gone without a word. */
export class Pulse {
  readonly #slots = Array.from({ length: SLOTS }, () => new Set<Beating>());
  #turn = 0;
  #next = 0;

  constructor(periodMs = PING_MS) {
    setInterval(() => this.beat(), periodMs / SLOTS).unref();
  }

  /** Looks after the peer until leave() is called, which must be when its socket is closed. */
  watch(peer: Beating): void {
    this.#next = (this.#next + 1) % SLOTS;
    peer.slot = this.#slots[this.#next];
    peer.slot.add(peer);
  }

  /** Looks at the next of the slots. */
  beat(): void {
    this.#turn = (this.#turn + 1) % SLOTS;
    this.#slots[this.#turn].forEach(ask);
  }
}

export function leave(peer: Beating): void {
  peer.slot?.delete(peer);
}

function ask(peer: Beating): void {
  const { untaken } = peer;
  const isThere = peer.wasHeard || untaken !== peer.untakenBefore;
  peer.misses = isThere ? 0 : peer.misses + 1;
  if (peer.misses >= MAX_MISSES) return peer.terminate();
  peer.wasHeard = false;
  peer.untakenBefore = untaken;
  peer.ping();
}
