import { type Cues, sql } from "../cues.ts";

export default (): Cues => ({
  atHeadings: [sql("truncate public.p11, public.p11c, public.p11v")],
  before: {
    // The next note shows the table as it was made again.
    287: [sql(`
      drop table public.p11v;
      create table public.p11v (
        id int8 primary key, vc varchar(10), nm name, c char(5), jb jsonb, ip inet, d date,
        arr int4[], iv interval, r int4range, tm timetz, bin bytea
      );
      alter publication supabase_realtime add table public.p11v;
    `)],
  },
});
