/**
 * What a check can show to work, each with what must then work as well. Whatever is denied by one of
 * these is no verdict: see rules.ts.
 */
export const FACTS = {
  /** The front answered by HTTP, whatever it said. */
  front_answers: [],
  /** 101 at the front, and one that a browser takes. */
  socket_opens: ["front_answers"],
  /** Realtime itself let in, at the front or asked behind it. */
  realtime_opens: ["front_answers"],
  /** Realtime took this very key as it was given: no gateway makes another one of it. */
  key_accepted: ["realtime_opens"],
  /** The tenant's stored secret, decrypted, verifies the key that was given. */
  stored_fits: [],
  /** A key for the tenant's secret was given, and does not open it. */
  enc_key_given: [],
  /** A channel was joined. */
  joins: ["socket_opens", "realtime_opens"],
  /** A channel was joined with the user's token. */
  token_joins: ["joins"],
  /** The same, by a token that names a key of the project's JWKS. */
  kid_joins: ["token_joins"],
  broadcasts: ["joins"],
  /** The private channel that was named. */
  private_joins: ["socket_opens", "realtime_opens"],
  /** Realtime said that changes of the table that was named flow. */
  changes_flow: ["socket_opens", "realtime_opens"],
  /** A row that was inserted by --db came out of the socket. */
  row_arrives: ["socket_opens", "realtime_opens"],
  /** The same by a subscription with a filter. */
  filtered_row_arrives: ["row_arrives"],
  /** A page names another host, which got neither key nor token of the one who asks. */
  withheld: [],
  /** The relay told its health, and is well. */
  relay_runs: [],
  /** The relay's own verdict on key, token and origin. */
  relay_takes: ["relay_runs"],
  relay_opens: ["relay_runs"],
  /** A channel was joined through the relay. */
  relay_joins: ["relay_opens", "realtime_opens"],
} as const satisfies Record<string, readonly string[]>;

export type Fact = keyof typeof FACTS;

/** These, and all that must hold with them. */
export function closure(facts: Iterable<Fact>): Set<Fact> {
  const all = new Set<Fact>();
  const add = (fact: Fact) => {
    if (all.has(fact)) return;
    all.add(fact);
    FACTS[fact].forEach(add);
  };
  for (const fact of facts) add(fact);
  return all;
}

/** A fact in the words of a report. */
export const WORDS: Record<Fact, string> = {
  front_answers: "the front answers",
  socket_opens: "the socket opens",
  realtime_opens: "Realtime lets in",
  key_accepted: "Realtime takes this key",
  stored_fits: "the tenant's stored secret verifies the key",
  enc_key_given: "a key was given for it",
  joins: "a channel can be joined",
  token_joins: "a channel can be joined with this token",
  kid_joins: "Realtime takes a token of this JWKS",
  broadcasts: "broadcasts come back",
  private_joins: "the private channel can be joined",
  changes_flow: "changes are subscribed",
  row_arrives: "an inserted row arrives",
  filtered_row_arrives: "an inserted row arrives by a filter",
  withheld: "your key was kept from it",
  relay_runs: "the relay runs",
  relay_takes: "the relay takes the credential",
  relay_opens: "the relay opens sockets",
  relay_joins: "a channel can be joined through the relay",
};
