import { type Cues, look } from "../cues.ts";

/** Two lines that were committed in one: their changes have the same time. */
const both = "insert into public.p21like values (1); insert into public.p21xlike values (1)";

export default (): Cues => ({
  rewrite: { 82: () => both, 83: () => "" },
  before: {
    // The look of that minute; tables had been added.
    68: [look()],
  },
});
