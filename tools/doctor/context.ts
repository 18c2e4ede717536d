import type { Options, ProxyName } from "./options.ts";

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
  /** When the relay's worker began, by its health, in milliseconds since 1970. */
  workerSince?: number;
  /** The proxy at the front, once an answer told. */
  proxy?: ProxyName;
}
