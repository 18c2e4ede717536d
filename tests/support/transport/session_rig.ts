import assert from "node:assert/strict";
import { type CatchUp, tableCatchUp } from "../../../client/catch_up.ts";
import { decode, encode, type Frame, type Vsn } from "../../../client/frame.ts";
import { fromLink } from "../../../client/incoming.ts";
import { createLink, type Link } from "../../../client/link.ts";
import { fromApplication } from "../../../client/outgoing.ts";
import { type Port, Session } from "../../../client/session.ts";

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
  /** What the session asked of the world but deliver, send and later. */
  readonly asked: string[] = [];
  /** What it has put off, by name. */
  readonly timers = new Map<string, () => unknown>();

  constructor(readonly vsn: Vsn = "2.0.0", catchUps: CatchUp[] = [], maxQueueBytes = 1_000) {
    const note = (name: string) => () => void this.asked.push(name);
    const port: Port = {
      clock: {
        now: () => this.time,
        random: () => 0.5,
        later: (name, _ms, then) => void this.timers.set(name, then),
      },
      deliver: (frame) => void this.delivered.push(this.#read(frame)),
      send: (link, frame) => this.sent.get(link)!.push(this.#read(frame)) > 0,
      live: note("live"),
      end: note("end"),
      check: note("check"),
      notice: note("notice"),
    };
    this.session = new Session(port, catchUps, maxQueueBytes);
  }

  /** As the other side reads it. */
  #read(frame: Frame): Frame {
    const { raw: _raw, ...rest } = decode(this.vsn, encode(this.vsn, frame));
    return rest;
  }

  /** Lets what was put off happen. */
  fire(name: string): void {
    const then = this.timers.get(name)!;
    this.timers.delete(name);
    then();
  }

  /** An open socket. Where none is active it becomes the active one. */
  open(token: string | null = null): Link {
    const link = createLink(this.time, token);
    this.sent.set(link, []);
    if (!this.session.active) this.session.adopt(link);
    return link;
  }

  live(token: string | null = null): Link {
    const link = this.open(token);
    this.session.prove(link);
    return link;
  }

  /** A proven link that subscribes while the active one goes on. */
  next(token: string | null = null): Link {
    const link = this.open(token);
    this.session.prove(link);
    return link;
  }

  push(frame: Frame): void {
    fromApplication(this.session, decode(this.vsn, encode(this.vsn, frame)));
  }

  bring(link: Link, frame: Frame): void {
    fromLink(this.session, link, decode(this.vsn, encode(this.vsn, frame)));
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

  /** Lets the promises run that are settled. */
  async settle(): Promise<void> {
    for (let i = 0; i < 20; i++) await Promise.resolve();
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
