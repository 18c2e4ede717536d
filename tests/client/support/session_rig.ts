import assert from "node:assert/strict";
import { type CatchUp, tableCatchUp } from "../../../client/catch_up.ts";
import { decode, encode, type Frame, type Vsn } from "../../../client/frame.ts";
import { Reader } from "../../../client/carrier/reader.ts";
import { createLink, type Link } from "../../../client/session/link.ts";
import { adopt, prove } from "../../../client/session/links.ts";
import { doubt } from "../../../client/session/places.ts";
import { type Happening, Session } from "../../../client/session/session.ts";
import type { Deed } from "../../../client/session/state.ts";

/** A subscription of Postgres Changes as Realtime confirms it. */
export const BINDING = { id: 11, event: "INSERT", schema: "public", table: "url_clicks" };

const noReader = { schema: () => ({ from: () => assert.fail("nothing is read here") }) };

/** Tells the rows of url_clicks apart, and is never read. */
export const clicks = tableCatchUp(noReader, "url_clicks", { key: "id", time: "clicked_at" });

/** A session without a world: frames go in, and what it asks for is noted. */
export class SessionRig {
  time = 1_000_000;
  readonly session: Session;
  /** What reached the application, and what went out on each link. */
  readonly delivered: Frame[] = [];
  readonly sent = new Map<Link, Frame[]>();
  /** What the session asked of the world but deliver, send and read. */
  readonly asked: string[] = [];
  readonly #reader = new Reader((happening) => this.tell(happening));
  #links = 0;

  constructor(readonly vsn: Vsn = "2.0.0", catchUps: CatchUp[] = [], maxQueueBytes = 1_000) {
    this.session = new Session(catchUps, maxQueueBytes);
  }

  tell(happening: Happening): void {
    this.#look();
    this.#perform(this.session.step(happening, this.time, 0.5));
  }

  /** When it wants to be told of anything but that the page runs. */
  get dueAt(): number {
    const { dues } = this.session;
    return Math.min(...[...dues].filter(([name]) => name !== "#awake").map(([, at]) => at));
  }

  /** The page did not stand still: what only sees that has run. */
  #look(): void {
    const { dues } = this.session;
    if (dues.has("#awake")) dues.set("#awake", this.time);
  }

  /** Does a part of what the session does by itself. */
  #just(part: () => void): void {
    this.session.now = this.time;
    part();
    this.#perform(this.session.deeds.splice(0));
  }

  #perform(deeds: Deed[]): void {
    for (const deed of deeds) this.#do(deed);
  }

  #do(deed: Deed): void {
    if ("is" in deed) return void this.asked.push(deed.is);
    if (deed.do === "send") {
      this.sent.get(deed.link)!.push(this.#read(deed.frame));
    } else if (deed.do === "deliver") {
      const deliver = () => void this.delivered.push(this.#read(deed.frame));
      if (deed.soon) queueMicrotask(deliver);
      else deliver();
    } else if (deed.do === "read") this.#reader.read(deed);
    else if (deed.do === "ask time") this.#reader.time(deed.topic, deed.catchUp);
    else if (deed.do === "throw") {
      throw new DOMException(deed.reason, "QuotaExceededError");
    }
  }

  /** As the other side reads it. */
  #read(frame: Frame): Frame {
    const { raw: _raw, ...rest } = decode(this.vsn, encode(this.vsn, frame));
    return rest;
  }

  /** An open socket. Where none is active it becomes the active one. */
  open(token: string | null = null): Link {
    const link = createLink(++this.#links, this.time, token);
    this.sent.set(link, []);
    if (!this.session.active) this.#just(() => adopt(this.session, link));
    return link;
  }

  live(token: string | null = null): Link {
    const link = this.open(token);
    this.#just(() => prove(this.session, link));
    return link;
  }

  /** A proven link that subscribes while the active one goes on. */
  next(token: string | null = null): Link {
    const link = this.open(token);
    this.#just(() => prove(this.session, link));
    return link;
  }

  push(frame: Frame): void {
    const isOpen = !!this.session.active;
    this.tell({ is: "pushed", frame: decode(this.vsn, encode(this.vsn, frame)), isOpen });
  }

  bring(link: Link, frame: Frame): void {
    this.tell({ is: "came", link, frame: decode(this.vsn, encode(this.vsn, frame)) });
  }

  lose(link: Link): void {
    this.tell({ is: "lost", link });
  }

  /** The next link takes over as it is. */
  switch(link: Link): void {
    this.tell({ is: "over", link });
  }

  /** Somebody else may be signed in. */
  doubt(link: Link): void {
    this.#just(() => doubt(this.session, link));
  }

  /** Nobody else is. */
  settle(link: Link): void;
  /** Lets the promises run that are settled. */
  settle(): Promise<void>;
  settle(link?: Link): void | Promise<void> {
    if (!link) return this.#promises();
    this.tell({ is: "known", link, token: link.token });
  }

  join(topic: string, config: Record<string, unknown> = {}, ref = "1", token?: string): void {
    const payload = { config, ...(token && { access_token: token }) };
    this.push({ join_ref: ref, ref, topic, event: "phx_join", payload });
  }

  /** Answers a join, with binding ids where there are any. */
  joined(link: Link, topic: string, bindings: Record<string, unknown>[] = [], ref = "1"): void {
    const payload = { status: "ok", response: { postgres_changes: bindings } };
    this.bring(link, { join_ref: ref, ref, topic, event: "phx_reply", payload });
    if (bindings.length === 0) return;
    const system = { extension: "postgres_changes", status: "ok", message: "Subscribed" };
    this.bring(link, { join_ref: ref, topic, event: "system", payload: system });
  }

  /** Answers the last heartbeat of the transport's own. */
  answerOwn(link: Link): void {
    const own = this.out(link, "heartbeat").filter(({ ref }) => ref?.startsWith("rt:")).at(-1)!;
    this.bring(link, { ...own, event: "phx_reply", payload: { status: "ok", response: {} } });
  }

  /** Answers it once it is sent, and lets what waited for that run. */
  async answered(link: Link): Promise<void> {
    await this.settle();
    this.answerOwn(link);
    await this.settle();
  }

  async #promises(): Promise<void> {
    for (let i = 0; i < 40; i++) await Promise.resolve();
  }

  out(link: Link, event?: string): Frame[] {
    return this.sent.get(link)!.filter((frame) => !event || frame.event === event);
  }

  /** The events that reached the application. */
  events(event: string): Frame[] {
    return this.delivered.filter((frame) => frame.event === event);
  }
}

/** A broadcast as Realtime sends it; with an id where the database sent it. */
export function broadcast(topic: string, payload: unknown, id?: string, replayed = false): Frame {
  const meta = id ? { meta: { id, ...(replayed && { replayed }) } } : {};
  return {
    topic,
    event: "broadcast",
    payload: { event: "e", ...meta, payload, type: "broadcast" },
  };
}

/** A change as Realtime sends it. */
export function change(
  topic: string,
  ids: number[],
  type: string,
  record: Record<string, unknown>,
  commit_timestamp = "2026-01-01T00:00:00.000Z",
): Frame {
  const row = type === "DELETE" ? { old_record: record } : { record };
  const data = { schema: "public", table: "url_clicks", type, commit_timestamp, ...row };
  return { topic, event: "postgres_changes", payload: { ids, data } };
}

/** A token that nobody verifies. `expires` is in seconds since the epoch. */
export function token(sub: string, expires = 4_000_000_000): string {
  const part = (value: unknown) => btoa(JSON.stringify(value)).replaceAll("=", "");
  return `${part({ alg: "HS256" })}.${part({ sub, exp: expires, role: "authenticated" })}.x`;
}
