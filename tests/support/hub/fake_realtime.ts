import { setImmediate } from "node:timers";
import {
  encodeReply,
  encodeServerFrame,
  type Frame,
  parseFrame,
} from "../../../supabase/functions/relay/realtime/phoenix.ts";
import type { Message, Runtime } from "../../../supabase/functions/relay/runtime.ts";
import type { Vsn } from "../../../supabase/functions/relay/realtime/upstream.ts";
import { FakeSocket } from "./fake_socket.ts";

/** A channel that somebody has joined. */
export interface FakeChannel {
  line: Line;
  join: Frame;
  config: { postgres_changes?: unknown[] };
  token: string | undefined;
}

export interface Line {
  vsn: Vsn;
  socket: Pick<FakeSocket, "receive" | "send" | "end">;
  /** By topic. */
  channels: Map<string, FakeChannel>;
}

type Reply = (status: "ok" | "error", response: Record<string, unknown>) => void;

/** A Realtime in this process, which fails when it is told to. */
export class FakeRealtime {
  readonly lines = new Set<Line>();
  /** Every frame that it got. */
  readonly received: Frame[] = [];
  /** The sockets on which a join was refused. */
  readonly refused: Line[] = [];
  dials = 0;
  /** Refuses to be dialled. */
  isDown = false;
  /** Takes the message about Postgres Changes, to be sent by hand. */
  holdsSystem = false;
  /** Why a join is refused; undefined where it is not. `null` gives no answer at all. */
  judge: (join: Frame, line: Line) => string | null | undefined = () => undefined;
  /** Takes each message that came, to be handled when the test says so. */
  latency: ((handle: () => void) => void) | undefined;
  /** Takes what would answer a join, to be run when the test says so. */
  delay: ((answer: () => void) => void) | undefined;
  /** The id of every binding. */
  bindingId = 7;

  readonly dial: Runtime["dial"] = (url) => {
    this.dials++;
    const vsn = url.searchParams.get("vsn") as Vsn;
    const line: Line = { vsn, channels: new Map(), socket: undefined as never };
    const socket = line.socket = new FakeSocket(
      (message) => {
        const handle = () => this.#take(line, message);
        if (this.latency) this.latency(handle);
        else queueMicrotask(handle);
      },
      () => this.lines.delete(line),
    );
    this.lines.add(line);
    // Later than whoever dials begins to listen.
    setImmediate(() => this.isDown ? socket.end(1006) : socket.open());
    return socket;
  };

  /** Serves a socket of a real server, for startUpstream(). */
  readonly onSocket = (socket: WebSocket, request: Request): void => {
    const vsn = new URL(request.url).searchParams.get("vsn") as Vsn;
    const line: Line = {
      vsn,
      channels: new Map(),
      socket: {
        receive: (message) => socket.readyState === 1 && socket.send(message),
        send: (message) => this.#take(line, message),
        end: () => socket.close(),
      },
    };
    this.dials++;
    this.lines.add(line);
    socket.onmessage = ({ data }) => line.socket.send(data);
    socket.onclose = () => this.lines.delete(line);
  };

  get channels(): FakeChannel[] {
    return [...this.lines].flatMap(({ channels }) => [...channels.values()]);
  }

  joins(): Frame[] {
    return this.received.filter(({ event }) => event === "phx_join");
  }

  /** Loses every connection. */
  cut(): void {
    for (const { socket } of [...this.lines]) socket.end(1006);
  }

  /** Sends a frame to the channels of a topic, or to those that `to` picks. */
  emit(
    topic: string,
    event: string,
    payload: unknown,
    to: (channel: FakeChannel) => boolean = () => true,
  ): void {
    for (const channel of this.channels) {
      if (channel.join.topic !== topic || !to(channel)) continue;
      const { line } = channel;
      line.socket.receive(encodeServerFrame(line.vsn, { topic, event, payload }));
    }
  }

  /** Says something about a channel to whoever has joined it. */
  system(channel: FakeChannel, payload: Record<string, unknown>): void {
    const { line, join: { topic, join_ref } } = channel;
    const frame = { join_ref, topic, event: "system", payload };
    line.socket.receive(encodeServerFrame(line.vsn, frame));
  }

  /** Ends a channel. */
  end({ line, join: { topic, join_ref } }: FakeChannel, event: "phx_close" | "phx_error"): void {
    line.channels.delete(topic);
    const frame = { join_ref, ref: join_ref, topic, event, payload: {} };
    line.socket.receive(encodeServerFrame(line.vsn, frame));
  }

  subscribed(channel: FakeChannel): void {
    const message = "Subscribed to PostgreSQL";
    const extension = "postgres_changes";
    const name = channel.join.topic.replace("realtime:", "");
    this.system(channel, { message, status: "ok", extension, channel: name });
  }

  #take(line: Line, message: Message): void {
    const frame = typeof message === "string" ? parseFrame(line.vsn, message) : undefined;
    // Phoenix passes over an object that has no ref, be it null.
    if (!frame || frame.ref === undefined) return;
    this.received.push(frame);
    const { topic, event } = frame;
    const reply: Reply = (status, response) =>
      line.socket.receive(encodeReply(line.vsn, frame, status, response));
    if (topic === "phoenix") return reply("ok", {});
    if (event === "phx_join") return this.#join(line, frame, reply);
    const channel = line.channels.get(topic);
    if (event === "phx_leave") {
      // Of another join than the channel's: passed over, as Phoenix does.
      const of = channel?.join.join_ref ?? null;
      if (of !== null && of !== (frame.join_ref ?? null)) return;
      reply("ok", {});
      return channel && this.end(channel, "phx_close");
    }
    if (!channel) return reply("error", { reason: "unmatched topic" });
    if (event === "broadcast") this.emit(topic, event, frame.payload, (it) => it !== channel);
    else if (event === "presence") reply("ok", {});
  }

  #join(line: Line, join: Frame, reply: Reply): void {
    const reason = this.judge(join, line);
    if (reason === null) return;
    const answer = () => {
      if (reason !== undefined) this.refused.push(line);
      if (reason !== undefined) reply("error", { reason });
      else this.#joined(line, join, reply);
    };
    if (this.delay) this.delay(answer);
    else answer();
  }

  #joined(line: Line, join: Frame, reply: Reply): void {
    const { config = {}, access_token } = join.payload as {
      config?: FakeChannel["config"];
      access_token?: string;
    };
    const old = line.channels.get(join.topic);
    const channel = { line, join, config, token: access_token };
    line.channels.set(join.topic, channel);
    const bindings = config.postgres_changes ?? [];
    const postgres_changes = bindings.map((binding) => ({
      id: this.bindingId,
      ...binding as object,
    }));
    reply("ok", { postgres_changes });
    if (old) {
      const { join_ref } = old.join;
      const close = { join_ref, ref: join_ref, topic: join.topic, event: "phx_close", payload: {} };
      line.socket.receive(encodeServerFrame(line.vsn, close));
    }
    if (bindings.length > 0 && !this.holdsSystem) this.subscribed(channel);
  }
}
