/** Compares what a socket received with what the recording says it did. */
import { type Bare, Meanings, type Nature } from "./by_nature.ts";
import { type About, about, race } from "./races.ts";
import type { Frame } from "./steps.ts";

export interface Difference {
  /** The line of the recording. */
  line: number;
  socket?: string;
  what: string;
  expected?: string;
  got?: string;
}

export interface Expected {
  line: number;
  frame: Frame;
}

interface Waiting extends Expected, About {
  bare: Bare;
  index: number;
}

/** A frame that the recording does not have. */
interface Strange {
  frame: Frame;
  bare: Bare;
  /** The line of what came before it. */
  after: number;
}

export class Comparison {
  readonly #meanings = new Meanings();
  constructor(readonly recorded: Nature, readonly replayed: Nature) {}

  /** The differences of one socket, from its opening to its closing. */
  frames(socket: string, expected: Expected[], got: Frame[]): Difference[] {
    const waiting: Waiting[] = expected.map(({ line, frame }, index) => ({
      line,
      frame,
      index,
      ...about(frame),
      bare: this.recorded.takeOut(frame),
    }));
    const arrived: Waiting[] = [];
    const strange: Strange[] = [];
    const differences: Difference[] = [];
    for (const frame of got) {
      const bare = this.replayed.takeOut(frame);
      const index = waiting.findIndex((one) =>
        one.bare.text === bare.text && this.#meanings.agree(one.bare.values, bare.values)
      );
      if (index < 0) {
        strange.push({ frame, bare, after: arrived.at(-1)?.line ?? expected[0]?.line ?? 0 });
        continue;
      }
      const [one] = waiting.splice(index, 1);
      const overtook = arrived.find((other) => other.index > one.index && !race(one, other));
      if (overtook) {
        const what = `came after the frame of line ${overtook.line}`;
        differences.push({ line: one.line, socket, what, expected: one.frame });
      }
      arrived.push(one);
    }
    return [...differences, ...pair(socket, waiting, strange)].sort((a, b) => a.line - b.line);
  }
}

/** What did not come, beside what came in its place. */
function pair(socket: string, missing: Waiting[], strange: Strange[]): Difference[] {
  const left = [...strange];
  const differences: Difference[] = missing.map(({ line, frame, bare, topic, event }) => {
    const place = left.findIndex(({ frame }) => {
      const other = about(frame);
      return other.topic === topic && other.event === event;
    });
    if (place < 0) return { line, socket, what: "did not come", expected: frame };
    const [got] = left.splice(place, 1);
    // Else they differ in what was taken out: ids that mean something else than before.
    const isText = bare.text !== got.bare.text;
    const [expected, came] = isText ? [bare.text, got.bare.text] : [frame, got.frame];
    return { line, socket, what: "differs", expected, got: came };
  });
  const more = left.map(({ frame, after }) => ({
    line: after,
    socket,
    what: "came after this line and is not in the recording",
    got: frame,
  }));
  return [...differences, ...more];
}
