/** What differs by nature between a recording and a replay: taken out of frames, but not forgotten. */
import { fromHex } from "./raw_socket.ts";
import type { Frame } from "./steps.ts";

/**
 * - `ref`, `uuid`: made by the server; one of the recording stands for one of the replay.
 * - `commit`: the time of a transaction; all its changes have the same.
 * - `time`: of a row, by the database's clock.
 * - `age`: seconds since a token expired.
 */
export type Kind = "ref" | "uuid" | "commit" | "time" | "age";

/** A frame without what differs by nature, and what that was. */
export interface Bare {
  text: string;
  values: { kind: Kind; value: string }[];
}

/** The recordings were made on this day, and no test data has a time of it. */
const RECORDED_ON = "2026-11-21";
/** Longer values were shortened in the recordings, to so many characters and their count. */
const LONG = { characters: 1000, kept: 40 };
const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const TIME = String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00(?::00)?|Z)`;
const PATTERN = new RegExp(
  [
    `(?<="phx_ref(?:_prev)?":")(?<ref>[\\w-]{16})(?=")`,
    `(?<="commit_timestamp":")(?<commit>\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z)(?=")`,
    `(?<uuid>${UUID})`,
    `(?<time>${TIME})`,
    `(?<=Token has expired )(?<age>\\d+)(?= seconds ago)`,
    `"(?<long>[^"\\\\]{${LONG.characters},})"`,
  ].join("|"),
  "g",
);

/** Takes out of the frames of one side what differs by nature. */
export class Nature {
  /** `said`: what clients and SQL of the conversation wrote; a uuid in there is none of the server's. */
  constructor(readonly said: string, readonly isNow: (time: string) => boolean) {}

  takeOut(frame: Frame): Bare {
    const values: Bare["values"] = [];
    const text = readable(frame).replace(PATTERN, (found, ...rest) => {
      const groups: Record<string, string | undefined> = rest.at(-1);
      if (groups.long !== undefined) return `"${shorten(groups.long)}"`;
      const [kind] = Object.entries(groups).find(([, value]) => value !== undefined)!;
      if (kind === "uuid" && this.said.includes(found)) return found;
      if (kind === "time" && !this.isNow(found)) return found;
      values.push({ kind: kind as Kind, value: found });
      return `<${kind}>`;
    });
    return { text, values };
  }
}

/** The recorded side: its times are those of the day of the recording. */
export function recorded(said: string): Nature {
  return new Nature(said.toLowerCase(), (time) => time.startsWith(RECORDED_ON));
}

/** The replayed side: its times are between the start of the replay and now. */
export function replayed(said: string, start: number): Nature {
  return new Nature(said.toLowerCase(), (time) => {
    const at = Date.parse(time.replace(" ", "T").replace(/\+00$/, "Z"));
    // Both clocks are this machine's; the database's is read to the microsecond.
    return at >= start - 1 && at <= Date.now() + 1;
  });
}

/** Binary frames as text, in which each byte is a character. */
function readable(frame: Frame): string {
  return frame.startsWith("BIN ")
    ? `BIN ${String.fromCharCode(...fromHex(frame.slice(4)))}`
    : frame;
}

function shorten(value: string): string {
  return `${value.slice(0, LONG.kept)}…(${value.length} characters)`;
}

/** Which value of the replay a value of the recording stands for. */
export class Meanings {
  #replayed = new Map<string, string>();
  #recorded = new Map<string, string>();

  /** Whether values of both sides, in their order, may mean the same; if so they do from now on. */
  agree(recorded: Bare["values"], replayed: Bare["values"]): boolean {
    const pairs = recorded.map((one, index) => [one, replayed[index]] as const);
    if (!pairs.every(([a, b]) => a.kind === b.kind && this.#fits(a.kind, a.value, b.value))) {
      return false;
    }
    for (const [{ kind, value }, other] of pairs) {
      this.#replayed.set(`${kind} ${value}`, other.value);
      this.#recorded.set(`${kind} ${other.value}`, value);
    }
    return true;
  }

  #fits(kind: Kind, recorded: string, replayed: string): boolean {
    if (kind === "time") return true;
    // The next second may have begun.
    if (kind === "age") return [0, 1].includes(Number(replayed) - Number(recorded));
    const known = this.#replayed.get(`${kind} ${recorded}`);
    if (known !== undefined) return known === replayed;
    // Two transactions may commit within one millisecond.
    return kind === "commit" || !this.#recorded.has(`${kind} ${replayed}`);
  }
}
