import { Buffer } from "node:buffer";
import { once } from "node:events";
import { isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { NoAnswer, opened, openTcp } from "../../ask/connect.ts";
import { within } from "../../ask/within.ts";
import { Messages } from "./protocol.ts";

/** What the driver knows of where the database is. */
export interface Place {
  host: string[];
  port: number[];
  /** Of a socket that is a file. */
  path: string | false;
}

/** SSLRequest, and the S of a server that has TLS. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const HAS_TLS = 83;
/** Whose certificate is not looked at, as in every client of PostgreSQL. */
const UNCHECKED = ["require", "allow", "prefer"];

/**
 * Opens connections for the driver, each to the next of a database's hosts that is reached. It is in
 * the driver's place, so that what comes is looked at before, with TLS and without.
 */
export function dialer(db: string, waitMs: number): (place: Place) => Promise<Socket> {
  const mode = new URL(db).searchParams.get("sslmode") ?? "disable";
  let next = 0;
  return async ({ host, port, path }) => {
    for (let left = path ? 1 : host.length;; left--) {
      const at = next++ % host.length;
      try {
        const tcp = await openTcp(path ? { path } : { host: host[at], port: port[at] }, waitMs);
        return looking(await secured(tcp, host[at], mode, waitMs));
      } catch (error) {
        if (left <= 1) throw error;
      }
    }
  };
}

/** The same connection with TLS, where it is asked for. */
async function secured(tcp: Socket, host: string, mode: string, waitMs: number): Promise<Socket> {
  if (mode === "disable") return tcp;
  try {
    tcp.write(SSL_REQUEST);
    const answer = await within<Buffer[]>(once(tcp, "data"), waitMs);
    if (!answer) throw new NoAnswer("silent", `no answer within ${waitMs / 1000} s`);
    const hasTls = answer[0][0] === HAS_TLS;
    if (!hasTls && mode === "prefer") return tcp;
    if (!hasTls) throw new NoAnswer("tls", "it has no TLS, which sslmode wants");
    const tls = connectTls({
      socket: tcp,
      servername: isIP(host) ? "" : host,
      rejectUnauthorized: !UNCHECKED.includes(mode),
    });
    await opened(tls, "secureConnect", waitMs);
    return tls;
  } catch (error) {
    tcp.destroy();
    throw error;
  }
}

/** The driver hears whole messages alone, and of one that is none the end of the connection. */
function looking(socket: Socket): Socket {
  const messages = new Messages();
  const emit = socket.emit.bind(socket);
  const emitWhole = (piece: Buffer): boolean => {
    try {
      const whole = messages.take(piece);
      return whole.length > 0 && emit("data", whole);
    } catch (error) {
      socket.destroy(error as Error);
      return false;
    }
  };
  socket.emit = (event: string, ...args: unknown[]) =>
    event === "data" ? emitWhole(args[0] as Buffer) : emit(event, ...args);
  return socket;
}
