import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { lookup } from "./home.ts";
import { tlsOf, whyNoTls } from "./tls.ts";
import { afterTime } from "./within.ts";

/** No answer that is HTTP/1.1; `kind` says in which way. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  constructor(
    readonly kind:
      | "refused"
      | "unreachable"
      | "timeout"
      | "closed"
      | "silent"
      | "not_http"
      | "tls"
      | "name"
      | "resolver",
    message: string,
  ) {
    super(message);
  }
}

/** A connection that is read no faster than its reader asks. */
export interface Connection {
  /** What came next; null at its end. Rejects where it is cut, or closed here. */
  read(): Promise<Uint8Array | null>;
  write(bytes: Uint8Array): Promise<void>;
  /** Ends it at once; also one that has ended. */
  close(): void;
}

/** Opens TCP, and TLS for https. Throws NoAnswer. */
export async function connect(url: URL, waitMs: number): Promise<Connection> {
  const { hostname: host, port } = addressOf(url);
  const tcp = await openTcp({ host, port }, waitMs);
  if (url.protocol !== "https:") return connectionOf(tcp);
  const tls = connectTls({ ...tlsOf(host), socket: tcp });
  await opened(tls, "secureConnect", waitMs).catch((error) => {
    tcp.destroy();
    throw error instanceof NoAnswer ? error : new NoAnswer("tls", whyNoTls(error));
  });
  return connectionOf(tls);
}

/** Opens TCP, or a socket that is a file. Throws NoAnswer. `find` tells the address of a name. */
export async function openTcp(
  place: { host: string; port: number } | { path: string },
  waitMs: number,
  find = lookup,
): Promise<Socket> {
  const [host, at] = "path" in place ? [place.path, ""] : [place.host, `:${place.port}`];
  const socket = connectTcp({ ...place, lookup: find });
  let isFound = "path" in place || isIP(host) > 0;
  socket.once("lookup", () => isFound = true);
  await opened(socket, "connect", waitMs).catch((error) => {
    if (isFound || !(error instanceof NoAnswer)) throw whyNot(error, host, at);
    throw new NoAnswer(
      "resolver",
      `no name server told within ${waitMs / 1000} s where ${host} is`,
    );
  });
  return socket;
}

/** Resolves with the event, rejects with the socket's error, or by NoAnswer once the time is over. */
export function opened(socket: Socket, event: string, waitMs: number): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const cancel = afterTime(waitMs, () => {
      socket.destroy();
      reject(new NoAnswer("timeout", `no connection within ${waitMs / 1000} s`));
    });
    socket.once(event, () => {
      cancel();
      resolve();
    });
    // Stays, so that no later error is nobody's.
    socket.on("error", (error) => {
      cancel();
      reject(error);
    });
  });
}

/** Where several addresses were tried, what the last one came to that was reached. */
function codeOf(error: NodeJS.ErrnoException & { errors?: NodeJS.ErrnoException[] }) {
  const codes = error.errors?.map(({ code }) => code) ?? [error.code];
  return codes.find((code) => !NO_ROUTE.includes(code!)) ?? codes[0];
}

/** No network of this machine leads there. */
const NO_ROUTE = ["ENETUNREACH", "EHOSTUNREACH", "EAFNOSUPPORT", "EADDRNOTAVAIL"];

function whyNot(error: NodeJS.ErrnoException, host: string, port: string): NoAnswer {
  if (error instanceof NoAnswer) return error;
  const code = codeOf(error) ?? "";
  if (NO_ROUTE.includes(code)) {
    return new NoAnswer("unreachable", `no way leads to ${host} from here (${code})`);
  }
  // Of a name without a dot a name server often has no more to say: it is one of another network.
  if (code === "EAI_AGAIN" && host.includes(".")) {
    return new NoAnswer("resolver", `no name server could tell where ${host} is`);
  }
  if (error.syscall === "getaddrinfo") return new NoAnswer("name", `${host} does not resolve`);
  switch (code) {
    case "ETIMEDOUT":
      return new NoAnswer("timeout", "no connection, by this system's own patience");
    default:
      return new NoAnswer("refused", `${host}${port} refuses connections`);
  }
}

function connectionOf(socket: Socket): Connection {
  const pieces = socket.iterator({ destroyOnReturn: false });
  return {
    async read() {
      const { done, value } = await pieces.next();
      return done ? null : value;
    },
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => error ? reject(error) : resolve());
      }),
    close: () => void socket.destroy(),
  };
}

/** The port that a scheme stands for where none is written, IPv6 without brackets. */
export function addressOf(url: URL): { hostname: string; port: number } {
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  return { hostname: url.hostname.replace(/^\[|\]$/g, ""), port };
}
