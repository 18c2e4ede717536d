import { type Cues, sql } from "../cues.ts";

export default (): Cues => ({
  // The role of a token that nobody made in Postgres.
  tokens: { "unknown role": { role: "nosuchrole" } },
  // Conversation 07 went on at the same time.
  before: { 63: [sql("insert into public.open_notes (body, n) values ('v2', 1)")] },
});
