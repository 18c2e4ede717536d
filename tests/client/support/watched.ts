import assert from "node:assert/strict";
import type { Json } from "../../../client/frame.ts";
import { messageCatchUp, type MessageCatchUpOptions } from "../../../client/message_catch_up.ts";
import type { Link } from "../../../client/session/link.ts";
import { broadcast, SessionRig } from "./session_rig.ts";

export const TOPIC = "realtime:orders:7";

/** The server's clock is not this machine's. */
const SERVER_MS = Date.parse("2026-11-29T00:00:00Z");

/** What the database has sent, and public.missed_messages() over it. */
export class Database {
  readonly messages: Json[] = [];
  readonly asked: Json[] = [];
  /** Its answer in place of rows. */
  failure?: { error: Json; status: number };
  /** Rows of a page, and how many of an answer the API lets through. */
  page = 1_000;
  cap = Infinity;
  hangs = false;
  /** It answers what it knew when it was asked, then. */
  late?: Promise<void>;
  /** What happens between two answers, the first of them behind the first page. */
  readonly meanwhile: (() => void)[] = [];

  constructor(readonly rig: () => number) {}

  get now(): string {
    return this.at(this.rig());
  }

  at = (ms: number) => new Date(SERVER_MS + ms).toISOString();

  /** Sends a message; `began` before now is when its transaction did. */
  send(id: string, payload: Json | null, began = 0, more: Json = {}): void {
    const inserted_at = this.at(this.rig() - began);
    this.messages.push({ id, event: "e", payload, binary_payload: null, inserted_at, ...more });
  }

  rpc(name: string, args: Json) {
    assert.equal(name, "missed_messages");
    this.asked.push(JSON.parse(JSON.stringify(args)));
    const answer = this.hangs
      ? new Promise<never>(() => {})
      : this.#answer(this.failure ?? { data: this.#read(args), status: 200 });
    if (args.since || args.after_id) this.meanwhile.shift()?.();
    return Object.assign(answer, { abortSignal: () => answer });
  }

  async #answer(answer: unknown): Promise<unknown> {
    await this.late;
    return answer;
  }

  #read({ topic, since, after_id }: Json): Json[] {
    assert.equal(topic, "orders:7");
    const last = { id: null, event: null, payload: null, binary_payload: null };
    const time = (row: Json) => Date.parse(row.inserted_at as string);
    const sorted = this.messages.toSorted((a, b) => time(a) - time(b));
    const place = sorted.findIndex(({ id }) => id === after_id);
    const rows = !since && !after_id
      ? []
      : place >= 0
      ? sorted.slice(place + 1)
      : sorted.filter((row) => time(row) >= Date.parse(since as string));
    return [...rows.slice(0, this.page), {
      ...last,
      inserted_at: this.now,
    }].slice(0, this.cap);
  }
}

/** A joined channel with messages of the database that it can read. */
export class Watched {
  readonly rig: SessionRig;
  readonly database: Database;
  link!: Link;

  constructor(options?: MessageCatchUpOptions, readonly config: Json = {}) {
    this.database = new Database(() => this.rig.time);
    this.rig = new SessionRig("2.0.0", [messageCatchUp(this.database, options)]);
  }

  static async join(options?: MessageCatchUpOptions, config?: Json): Promise<Watched> {
    const watched = new Watched(options, config);
    await watched.join();
    return watched;
  }

  async join(): Promise<void> {
    const { rig } = this;
    this.link = rig.live();
    rig.join(TOPIC, { private: true, ...this.config });
    rig.joined(this.link, TOPIC);
    await rig.settle();
  }

  /** Comes live, as the database sends it. */
  live(id: string, payload: Json, began = 0): void {
    this.database.send(id, payload, began);
    this.rig.bring(this.link, broadcast(TOPIC, payload, id));
  }

  lose(): void {
    this.rig.lose(this.link);
  }

  back(): void {
    this.link = this.rig.live();
    this.rig.joined(this.link, TOPIC);
  }

  pass(ms: number): void {
    this.rig.time += ms;
    this.link.freshAt = this.rig.time;
  }

  get payloads(): unknown[] {
    return this.rig.events("broadcast").map(({ payload }) => payload.payload);
  }

  get gaps(): Json[] {
    return this.rig.events("system").map(({ payload }) => payload)
      .filter(({ status }) => status === "gap");
  }

  get missing(): unknown[] {
    return this.gaps.map(({ missing }) => missing);
  }
}
