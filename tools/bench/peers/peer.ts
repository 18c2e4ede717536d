import type { RelayProcess } from "../../../tests/support/relay_host.ts";

/** Something that carries WebSockets from clients to an upstream. */
export interface Peer {
  name: string;
  version: string;
  /** Starts it in front of the upstream at this port of 127.0.0.1. */
  start(upstream: number): Promise<Proxy>;
  /** Of the n-th client's request: path, further header lines, and Host where it is another. */
  request(n: number): { path: string; headers?: string[]; host?: string };
}

/** Where relays are asked for a socket. */
export const PATH = "/functions/v1/relay/websocket?vsn=2.0.0";

/** As the results call it. */
export const nameOf = ({ name, version }: Pick<Peer, "name" | "version">) => `${name} (${version})`;

/** One that runs. */
export interface Proxy {
  port: number;
  pid: number;
  stop(): Promise<unknown>;
}

/** A relay's process, as one that carries. */
export const proxyOf = ({ address, pid, stop }: RelayProcess): Proxy => ({
  port: Number(address.split(":")[1]),
  pid,
  stop,
});
