import { type Cues, sql } from "../cues.ts";

export default (): Cues => ({ atHeadings: [sql("truncate public.p11, public.p11q")] });
