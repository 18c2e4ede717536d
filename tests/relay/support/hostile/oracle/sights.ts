/** What the worlds of a good generator come by again and again. */
export const SIGHTS = [
  "let in",
  "refused",
  "signed in",
  "waits",
  "named",
  "frame",
  "push",
  "goes over",
  "gap",
  "channel ended",
  "stood still",
  "cut off",
  "closed",
] as const;

export type Sight = typeof SIGHTS[number];
