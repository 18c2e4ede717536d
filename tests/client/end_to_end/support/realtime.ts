import { startUpstream, type Upstream } from "../../../support/upstream.ts";

type Message = [
  joinRef: string | null,
  ref: string | null,
  topic: string,
  event: string,
  payload: unknown,
];

/** Why a join is refused, or nothing. */
export type Judge = (topic: string) => string | undefined;

/** A Realtime that lets in whom the test wants, and says to its topics what the test says. */
export class Realtime {
  judge: Judge = () => undefined;
  readonly upstream: Upstream;
  readonly #joined = new Map<WebSocket, Map<string, string | null>>();

  constructor() {
    this.upstream = startUpstream({ onSocket: (socket) => this.#serve(socket) });
  }

  /** Tells all who have joined the topic; each knows its messages by what it was told. */
  say(topic: string, payload: unknown): void {
    const told = { type: "broadcast", event: "e", payload };
    for (const [socket, topics] of this.#joined) {
      if (topics.has(topic)) send(socket, [topics.get(topic)!, null, topic, "broadcast", told]);
    }
  }

  #serve(socket: WebSocket): void {
    const topics = new Map<string, string | null>();
    this.#joined.set(socket, topics);
    socket.onclose = () => this.#joined.delete(socket);
    socket.onmessage = ({ data }) => {
      const [joinRef, ref, topic, event] = JSON.parse(data) as Message;
      const reason = event === "phx_join" ? this.judge(topic) : undefined;
      if (event === "phx_join" && !reason) topics.set(topic, joinRef);
      if (event === "phx_leave") topics.delete(topic);
      const answer = reason
        ? { status: "error", response: { reason } }
        : { status: "ok", response: { postgres_changes: [] } };
      send(socket, [joinRef, ref, topic, "phx_reply", answer]);
    };
  }
}

function send(socket: WebSocket, message: Message): void {
  if (socket.readyState === 1) socket.send(JSON.stringify(message));
}
