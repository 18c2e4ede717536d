/**
 * Bytes of UTF-8 that a batch has at most, unless one frame alone is larger: on a slow network the
 * first frame of a batch comes no earlier than its last.
 */
export const MAX_BATCH_BYTES = 65_536;

const LINE_FEED = "\n";

/** Several text frames in one message, each on a line of its own. */
export class Batch {
  /** `text`: lines of lineOf(), and nothing else. */
  constructor(readonly text: string, readonly count: number) {}

  static of(lines: readonly string[]): Batch {
    return new Batch(lines.join(LINE_FEED), lines.length);
  }

  get length(): number {
    return this.text.length;
  }

  get lines(): string[] {
    return this.text.split(LINE_FEED);
  }
}

/**
 * The frame as one line. Between the tokens of JSON a line feed is as good as a blank, and in a string
 * it may not stand, so the frame means the same; left in, it would let whoever wrote a payload end the
 * line and begin a frame of their own.
 */
export function lineOf(text: string): string {
  return text.includes(LINE_FEED) ? text.replaceAll(LINE_FEED, " ") : text;
}

const encoder = new TextEncoder();
const scratch = new Uint8Array(MAX_BATCH_BYTES);

/** Bytes of UTF-8; Infinity for more than a batch has. */
export function bytesOf(text: string): number {
  if (text.length > MAX_BATCH_BYTES) return Infinity;
  const { read, written } = encoder.encodeInto(text, scratch);
  return read === text.length ? written : Infinity;
}

/** What begins a further frame of a batch. */
export const joined = (text: string, line: string): string => text + LINE_FEED + line;
