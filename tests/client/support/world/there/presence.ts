import type { World } from "../world.ts";
import type { Channel } from "./channel.ts";
import type { Payload } from "./frames.ts";

interface Meta extends Payload {
  phx_ref: string;
}

/** Who is in the lobby: peers by their names, and each channel that tracks by a key of its own. */
export class Presence {
  readonly #metas = new Map<string, Meta>();
  readonly #keys = new Map<Channel, string>();
  #refs = 0;

  constructor(readonly world: World) {}

  get state(): Payload {
    return Object.fromEntries([...this.#metas].map(([key, meta]) => [key, { metas: [meta] }]));
  }

  /** Who is there, and with what mood. */
  get sight(): string {
    return sightOf([...this.#metas].map(([key, { mood }]) => [key, mood]));
  }

  peer(key: string, isHere: boolean): void {
    if (this.#metas.has(key) !== isHere) this.#change(key, isHere ? {} : undefined);
  }

  set(channel: Channel, track: Payload | undefined): void {
    channel.track = track;
    let key = this.#keys.get(channel);
    if (!key && !track) return;
    if (!key) this.#keys.set(channel, key = `own${++this.#refs}`);
    this.#change(key, track);
  }

  /** The join and the leave of one key come in one diff. */
  #change(key: string, track: Payload | undefined): void {
    const before = this.#metas.get(key);
    if (!before && !track) return;
    const phx_ref = `ref${++this.#refs}`;
    const meta = track && { ...track, phx_ref, ...(before && { phx_ref_prev: before.phx_ref }) };
    if (meta) this.#metas.set(key, meta);
    else this.#metas.delete(key);
    const one = (meta?: Meta) => meta ? { [key]: { metas: [meta] } } : {};
    const payload = { joins: one(meta), leaves: one(before) };
    for (const channel of this.world.realtime.channels("lobby")) {
      const { line, topic } = channel;
      line.send({ topic, event: "presence_diff", payload });
    }
  }
}

/** The same for equal sights of a lobby. */
export const sightOf = (all: (readonly [key: string, mood: unknown])[]): string =>
  all.map(([key, mood]) => mood === undefined ? key : `${key}:${mood}`).sort().join();
