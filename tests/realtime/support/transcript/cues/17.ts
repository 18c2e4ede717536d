import { type Cues, look, sql } from "../cues.ts";

const user = (org?: string) => ({
  role: "authenticated",
  sub: "33333333-3333-4333-8333-333333333333",
  app_metadata: org ? { org } : {},
});

export default (): Cues => ({
  tokens: {
    5: user("acme"),
    8: user("globex"),
    11: user(),
    26: user("acme"),
  },
  before: {
    // Rows of earlier sections are gone.
    234: [sql("truncate public.p17p")],
    256: [sql("truncate public.p17o")],
    // While nobody listens, so that the tables of the next section are news.
    254: [look()],
    272: [look()],
  },
});
