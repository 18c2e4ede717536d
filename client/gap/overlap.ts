import type { Frame } from "../frame.ts";
import { contentOf } from "./identity.ts";

/**
 * While two sockets carry the same topics, events are told apart by their content and by how often it
 * came: what the old socket has delivered more often than the new one has repeated is dropped there.
 * Some have no identity of their own (UPDATE, DELETE, broadcasts that Realtime does not store), and a
 * row's is forgotten with its DELETE.
 */
export class Overlap {
  readonly #ahead = new Map<string, number>();

  /** The old socket has delivered this, or the application has sent it and is not to hear it. */
  count(frame: Frame): void {
    const content = contentOf(frame);
    this.#ahead.set(content, (this.#ahead.get(content) ?? 0) + 1);
  }

  /** True where the new socket brings what the old one has brought. */
  repeats(frame: Frame): boolean {
    const content = contentOf(frame);
    const ahead = this.#ahead.get(content) ?? 0;
    if (ahead > 0) this.#ahead.set(content, ahead - 1);
    return ahead > 0;
  }
}
