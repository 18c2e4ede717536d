import type { Cues } from "../cues.ts";

export default (long: boolean): Cues => {
  const short = { expires: long ? 6 : 2 };
  return {
    sockets: { T1: { apikey: "<jwt>" } },
    tokens: {
      T1: short,
      T2: short,
      // Joins with a token that expires with the others', and pushes one that does not.
      8: short,
      10: {},
      "access_token push: bad signature": { fault: "signature" },
      "access_token push: expired": { expires: -5 },
    },
    alias: { T3: "T3refresh" },
  };
};
