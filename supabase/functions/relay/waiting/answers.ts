import { Backlog, type Unsent } from "../peer/unsent.ts";
import { OPEN, type Socket } from "../runtime.ts";
import { MAX_HELD_LENGTH } from "./held.ts";

/**
 * What the relay says to a client that nobody is named for. An answer repeats names of the client's, so
 * who asks much and reads nothing would fill the worker: no more waits for it than may be held of it,
 * and that counts in what all peers together may leave unread.
 */
export class Answers {
  readonly #backlog: Backlog;

  constructor(readonly client: Socket, readonly unsent: Unsent) {
    this.#backlog = new Backlog(unsent, client);
    unsent.watch(this.#backlog);
  }

  /** Returns false, and says nothing, where too much is unread. */
  say(text: string): boolean {
    const { client } = this;
    if (client.readyState !== OPEN) return true;
    const isOver = (client.bufferedAmount ?? 0) + text.length > MAX_HELD_LENGTH;
    if (isOver || !this.#backlog.hasRoom(text.length)) return false;
    client.send(text);
    return true;
  }

  /** To be called when the socket is gone, or somebody else counts what is unsent to it. */
  stop(): void {
    this.unsent.forget(this.#backlog);
  }
}
