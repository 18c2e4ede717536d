import { type Area, describe, type FindingId } from "./findings/mod.ts";
import type { Fact } from "./judge/known.ts";

/** One thing that was looked at, and what was seen. */
export interface Check {
  area: Area;
  /** `skipped`: not looked at; `saw` then says why. */
  state: "ok" | "warning" | "failed" | "skipped";
  saw: string;
  /** A sign of that; whether it is so, the judge says by all that is known. */
  id?: FindingId;
  /** What it is, in a sentence, where that of the table has another hop in it. */
  says?: string;
  /** What was seen to work. */
  shows?: readonly Fact[];
  /** The hop that it was seen at, where there are several. */
  hop?: string;
  /** Skipped though it was asked for: the doctor could not look. */
  blind?: true;
  /** The socket that it is about, where that is not the target's own. */
  at?: URL;
  /** Lines that mend this very case, such as SQL with the table's name. */
  paste?: string[];
}

/** `shows` is what it proves to work, for the judge. */
export const ok = (area: Area, saw: string, ...shows: Fact[]): Check => ({
  ...{ area, state: "ok", saw },
  ...(shows.length > 0 ? { shows } : {}),
});

/** `why` goes on after "not looked at: ". */
export const skipped = (area: Area, why: string): Check => ({ area, state: "skipped", saw: why });

/** Something that was asked for and could not be looked at. */
export const blind = (area: Area, why: string): Check => ({ ...skipped(area, why), blind: true });

/** A finding of the table, with what was seen here; `area` where it was not seen in its own. */
export function found(
  id: FindingId,
  saw: string,
  more: Partial<Pick<Check, "area" | "says" | "hop" | "paste" | "shows" | "at">> = {},
): Check {
  const { area, severity } = describe(id);
  return { area, state: severity, saw, id, ...more };
}

/** What a finding is, in a sentence. */
export const sentenceOf = ({ id, says }: Check): string => says ?? describe(id!).says;
