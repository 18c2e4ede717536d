import { type Cues, sql } from "../cues.ts";

/** Conversation 06 went on at the same time, and is heard here. */
const note = (body: string, n: number) =>
  sql(`insert into public.open_notes (body, n) values ('${body}', ${n})`);

export default (): Cues => ({
  alias: { a: "V2a" },
  before: {
    16: [note("hi", 5)],
    19: [note("hi2", 6)],
    60: [note("no", 8), note("yes", 7)],
    66: [sql("insert into public.open_notes (body, n) values ('in2', 2), ('in3', 3)")],
    74: [note("v2", 1)],
    90: [note("two", 100)],
  },
});
