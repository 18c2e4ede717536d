/** Where the local Realtime does on purpose what the original does not, line by line. */
import type { Frame } from "./steps.ts";

export interface Deviation {
  /** The recording's number. */
  conversation: string;
  /** Of frames or answers in the recording. */
  lines: number[];
  reason: string;
  /** What comes in place of what is recorded. */
  instead: (recorded: Frame) => Frame[];
}

export const DEVIATIONS: Deviation[] = [
  {
    conversation: "07",
    lines: [18, 21, 64, 65, 70, 71, 76, 90],
    reason:
      "the original encodes a change once for all: a socket of version 1 gets it in version " +
      "2 where one of version 2 has joined the topic before. Here each gets its own version.",
    instead: (recorded) => [inVersion1(recorded)],
  },
  {
    conversation: "07",
    lines: [52],
    reason: "version 1 cannot say bytes; the original sends its sockets a text that is no JSON",
    instead: () => [],
  },
];

/** The payload keeps its text, as Postgres printed it. */
function inVersion1(frame: Frame): Frame {
  const [, ref, event, payload] = /^\[null,(\S+?),"realtime:v2",("\w+"),(.*)\]$/.exec(frame) ?? [];
  return `{"ref":${ref},"event":${event},"topic":"realtime:v2","payload":${payload}}`;
}

/** What is expected at a line of a conversation: what was recorded, or what deviates from it. */
export function deviate(deviations: Deviation[], line: number, recorded: Frame): Frame[] {
  const deviation = deviations.find(({ lines }) => lines.includes(line));
  return deviation ? deviation.instead(recorded) : [recorded];
}
