import { lookup as lookUp } from "node:dns";
import type { LookupFunction } from "node:net";

/** Names below localhost are this machine for a browser, and unknown to many systems (RFC 6761, 6.3). */
export const isHome = (hostname: string): boolean => /(?:^|\.)localhost\.?$/.test(hostname);

/** The same, or an address of this machine as a URL has it. */
export const isHere = (hostname: string): boolean =>
  isHome(hostname) || /^127\.|^\[::1\]$/.test(hostname);

const HERE = [{ address: "127.0.0.1", family: 4 }, { address: "::1", family: 6 }];

/** How every connection of the doctor finds an address: such names here, others by the system. */
export const lookup: LookupFunction = (hostname, options, done) => {
  if (!isHome(hostname) || hostname === "localhost") return lookUp(hostname, options, done);
  const [{ address, family }] = HERE;
  if (options.all) done(null, HERE);
  else done(null, address, family);
};
