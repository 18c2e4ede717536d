import type { ProxyName } from "./fixes/mod.ts";
import type { Options } from "./options.ts";

/** What the address turned out to be. */
export type Kind = "project" | "realtime" | "relay";

/** Where the parts of it are. */
export interface Target {
  kind: Kind;
  /** The socket's URL at the front, by http or https, without a query. */
  socket: URL;
  /** The project's URL with a slash at its end, where one is known. */
  project?: URL;
  /** The relay's URL, without a slash at its end. */
  relay?: URL;
  /** The key that a page carries, where --key is not given. */
  key?: string;
}

/** What every probe gets. */
export interface Context {
  options: Options;
  target: Target;
  /** Told what is looked at now. */
  progress: (what: string) => void;
  /** Whether the key's signature fits the secret or JWKS given here. */
  keyVerified?: boolean;
  /** Whether the token's signature fits them, or Auth knows it. */
  tokenVerified?: boolean;
  /** Who made the token, where that is not the project and nobody here can verify it. */
  issuer?: string;
  /** When the relay's worker began, by its health, in milliseconds since 1970. */
  workerSince?: number;
  /** host:port of the gateway for the lines to paste, where something tells. */
  gateway?: string;
  /** The proxy at the front, once an answer told. */
  proxy?: ProxyName;
}

/** The key to ask with: the one given, else the page's. */
export const keyOf = ({ options, target }: Pick<Context, "options" | "target">) =>
  options.key ?? target.key;
