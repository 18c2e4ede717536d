import { RelayError } from "../errors.ts";
import type { Ref } from "../realtime/phoenix.ts";
import type { Message } from "../runtime.ts";

/** While a token is checked, and Realtime dialled: a join and a token for each of its 100 channels. */
export const MAX_HELD = 256;
export const MAX_HELD_LENGTH = 524_288;

/** A frame that waits, of a topic; of a join also its ref, and what ends its wait. */
interface Frame {
  message: Message;
  topic?: string;
  /** It came while a token was checked, and nobody has read it. */
  isUnread?: boolean;
  joinRef?: Ref;
  stopWait?: () => void;
}

/** What a client has sent before it is let in, in order, bounded in number and in length. */
export class Held {
  #frames: Frame[] = [];
  #length = 0;

  get isFull(): boolean {
    return this.#frames.length >= MAX_HELD;
  }

  /** Throws `too_big` beyond the bounds. */
  add(frame: Frame): void {
    const length = this.#length + lengthOf(frame.message);
    if (this.isFull || length > MAX_HELD_LENGTH) {
      throw new RelayError("too_big", "The client sends too much before it is let in.");
    }
    this.#length = length;
    this.#frames.push(frame);
  }

  has(topic: string): boolean {
    return this.#frames.some((frame) => frame.topic === topic);
  }

  /** The ref of the join that waits on this topic: null for one without, undefined where none does. */
  joinRefOf(topic: string): Ref {
    const join = this.#frames.find((frame) =>
      frame.topic === topic && frame.stopWait !== undefined
    );
    return join && (join.joinRef ?? null);
  }

  /** Forgets what waits of a topic. */
  drop(topic: string): void {
    this.#frames = this.#frames.filter((frame) => {
      if (frame.topic !== topic) return true;
      frame.stopWait?.();
      this.#length -= lengthOf(frame.message);
      return false;
    });
  }

  /** Gives away what nobody has read. */
  takeUnread(): Message[] {
    const unread = this.#frames.filter(({ isUnread }) => isUnread);
    this.#frames = this.#frames.filter(({ isUnread }) => !isUnread);
    for (const { message } of unread) this.#length -= lengthOf(message);
    return unread.map(({ message }) => message);
  }

  /** Puts a frame where it came: before what nobody has read. */
  addRead(frame: Frame): void {
    const unread = this.#frames.filter(({ isUnread }) => isUnread);
    const read = this.#frames.filter(({ isUnread }) => !isUnread);
    this.#frames = [...read, frame, ...unread];
  }

  /** Nothing of it is answered any more for want of a token. */
  stopWaits(): void {
    for (const { stopWait } of this.#frames) stopWait?.();
  }

  /** Gives all of it away. */
  take(): Message[] {
    this.stopWaits();
    const frames = this.#frames;
    this.#frames = [];
    this.#length = 0;
    return frames.map(({ message }) => message);
  }
}

function lengthOf(message: Message): number {
  return typeof message === "string" ? message.length : message.byteLength;
}
