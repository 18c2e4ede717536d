import type { Histogram } from "./histogram.ts";
import { beginOfReply } from "../realtime/frame.ts";
import type { Frame } from "../realtime/phoenix.ts";
import type { Message } from "../runtime.ts";
import type { Vsn } from "../realtime/upstream.ts";

/**
 * Times a join. While it is there each message for the client is compared with how the answer begins,
 * and not parsed: an answer that is written otherwise is not found, and the join is not counted.
 */
export class Joining {
  readonly #begin: string;

  constructor(
    vsn: Vsn,
    join: Frame,
    readonly sentAt: number,
    readonly took: Pick<Histogram, "note">,
  ) {
    this.#begin = beginOfReply(vsn, join);
  }

  /** True for the answer, which is then counted. */
  isOver(message: Message, now: () => number): boolean {
    if (typeof message !== "string" || !message.startsWith(this.#begin)) return false;
    this.took.note(now() - this.sentAt);
    return true;
  }
}
