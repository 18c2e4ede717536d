import type { CatchUp } from "../../../client/catch_up.ts";
import { type Data, decode, encode, type Frame, type Vsn } from "../../../client/frame.ts";
import { Overlap } from "../../../client/handover.ts";
import { fromLink } from "../../../client/incoming.ts";
import { createLink, type Link } from "../../../client/link.ts";
import { fromApplication } from "../../../client/outgoing.ts";
import { type Port, Session } from "../../../client/session.ts";

/** A session without a world: frames go in, and what it asks for is noted. */
export class SessionRig {
  time = 1_000_000;
  readonly session: Session;
  /** What reached the application, and what went out on each link. */
  readonly delivered: Frame[] = [];
  readonly sent = new Map<Link, Frame[]>();
  /** Calls of the port but deliver, send and now, as `name topic`. */
  readonly asked: string[] = [];
  #links = 0;

  constructor(readonly vsn: Vsn = "2.0.0", catchUps: CatchUp[] = [], maxQueueBytes = 1_000) {
    const note = (name: string) => (thing?: unknown) => {
      const topic = (thing as { topic?: string })?.topic;
      this.asked.push(topic ? `${name} ${topic}` : name);
    };
    const port: Port = {
      now: () => this.time,
      deliver: (data) => void this.delivered.push(decode(vsn, data)!),
      send: (link, data) => this.sent.get(link)!.push(decode(vsn, data)!) > 0,
      proven: () => this.asked.push("proven"),
      switched: () => this.asked.push("switched"),
      missed: note("missed"),
      failed: note("failed"),
      expired: note("expired"),
      doubt: note("doubt"),
      notice: note("notice"),
      lost: note("lost"),
      beat: note("beat"),
      awaited: note("awaited"),
    };
    this.session = new Session(vsn, port, catchUps, maxQueueBytes);
  }

  /** An open socket. Where none is active it becomes the active one. */
  open(token: string | null = null): Link {
    const link = createLink(++this.#links, token, this.time);
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
    this.session.follow(link, new Overlap());
    return link;
  }

  push(frame: Frame): void {
    fromApplication(this.session, encode(this.vsn, frame));
  }

  bring(link: Link, frame: Frame | Data): void {
    const isData = typeof frame === "string" || frame instanceof ArrayBuffer;
    fromLink(this.session, link, isData ? frame : encode(this.vsn, frame));
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
    const own = this.out(link).filter(({ ref }) => ref?.startsWith("rt:")).at(-1)!;
    this.bring(link, { ...own, event: "phx_reply", payload: { status: "ok", response: {} } });
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
