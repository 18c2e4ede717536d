import { checkServerIdentity, connect as connectTls, type PeerCertificate } from "node:tls";
import { type Check, found, ok } from "../check.ts";
import { addressOf, connect, NoAnswer } from "../raw_http.ts";
import { afterTime } from "../within.ts";

/** Renewals run a month before the end; two weeks before it, something does not run. */
const SOON_MS = 14 * 24 * 3600 * 1000;

/** Name, TCP and TLS of an address. The first failure ends it: nothing behind it can be seen. */
export async function probeName(url: URL, waitMs: number, now = Date.now()): Promise<Check[]> {
  const { hostname, port } = addressOf(url);
  const start = performance.now();
  try {
    (await connect(new URL(`http://${url.hostname}:${port}`), waitMs)).close();
  } catch (error) {
    const { kind, message } = error as NoAnswer;
    const id = ({ name: "name_unresolved", timeout: "tcp_timeout" } as const)[kind as "name"];
    return [found(id ?? "tcp_refused", message)];
  }
  const ms = Math.round(performance.now() - start);
  const reached = ok("name", `${hostname}:${port} accepts connections (${ms} ms)`);
  if (url.protocol !== "https:") return [reached];
  return [reached, await probeTls(hostname, port, waitMs, now)];
}

/** Looks at the certificate itself, so that each fault has its own name. */
function probeTls(host: string, port: number, waitMs: number, now: number): Promise<Check> {
  const { promise, resolve } = Promise.withResolvers<Check>();
  const socket = connectTls({
    ...{ host, port, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] },
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
  });
  const cancel = afterTime(waitMs, () => resolve(found("tls_failed", "no TLS answer came")));
  socket.once("secureConnect", () => {
    resolve(judge(host, socket.getPeerCertificate(), socket.authorizationError, now));
  });
  socket.once("error", (error) => {
    const isAlpn = /alpn|application.protocol/i.test(error.message);
    resolve(
      isAlpn ? found("http2_only", "it refuses http/1.1") : found("tls_failed", error.message),
    );
  });
  return promise.finally(() => {
    cancel();
    socket.destroy();
  });
}

function judge(host: string, certificate: PeerCertificate, error: unknown, now: number): Check {
  const { valid_from, valid_to, subjectaltname } = certificate;
  const [from, to] = [Date.parse(valid_from), Date.parse(valid_to)];
  if (now > to) return found("tls_expired", `it was valid until ${valid_to}`);
  if (now < from) return found("tls_expired", `it is valid from ${valid_from}`);
  if (checkServerIdentity(host, certificate)) {
    return found("tls_name", `${host} is not among ${subjectaltname ?? "its names"}`);
  }
  if (error) return found("tls_chain", String(error));
  if (to - now < SOON_MS) return found("tls_expires_soon", `it is valid until ${valid_to}`);
  return ok("name", `TLS: valid until ${valid_to}, http/1.1 offered`);
}
