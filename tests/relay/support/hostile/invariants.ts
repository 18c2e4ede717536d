/**
 * What holds whatever strangers do: the sentences of SECURITY.md and docs/PROTOCOL.md that the
 * hostile worlds hold the relay to. A violation names its sentence.
 */
export const INVARIANTS = {
  waiting:
    "For a socket that waits for its user nothing is dialled or sent; it is answered in time, gives way within its bounds, and keeps nobody out who is named.",
  rights:
    "Nobody is let into a private channel who had no right to read it within the 5 s before they came, or since.",
  identity:
    "After a change of identity nobody is sent, and nobody sends, what RELAY_POLICY does not allow the new one.",
  frames:
    "A client gets each frame of the channels that it joined once and in order, or is told: a gap, a channel's end, a close code.",
  isolation: "Nobody is sent a frame of a channel that they have not joined.",
  pushes:
    "What a client sends on a joined channel goes to Realtime once and in order, or is answered.",
  upstream:
    "What goes to Realtime is what was judged for the identity of that moment: verified tokens alone, never a secret, and of a join its config and one token.",
  memory: "What is held for one peer stays below its bound, and for all of them below their sum.",
  readers: "Nobody who reads is cut off as one who does not.",
  places:
    "A socket holds its place until its close event; no bound is passed, and every place comes back.",
  limits:
    "A client's sockets, channels, messages, silence and time without a join or a good token have their bounds.",
  health: "What /health counts is what is there.",
  promises: "No promise is left pending, and no timer left over.",
  lives: "The worker lives: no error of a listener or a timer, and no rejection, goes unhandled.",
  heartbeat: "An upstream is given up only for a heartbeat that is as old as the bound.",
  patience:
    "A client is given up for its silence when its time is over, and what it said while the worker stood still is heard first.",
  neighbours: "What one client joins or sends costs others nothing.",
  sharing:
    "Equal joins of viewers are one channel; one wire format does not take the other's room.",
} as const;

export type Invariant = keyof typeof INVARIANTS;

/** What was seen, and which sentence it breaks. */
export class Violation extends Error {
  override readonly name = "Violation";
  constructor(readonly invariant: Invariant, readonly seen: string) {
    super(`${INVARIANTS[invariant]}\n  seen: ${seen}`);
  }
}
