import { checkServerIdentity, connect as connectTls, type PeerCertificate } from "node:tls";
import { addressOf, connect, type NoAnswer } from "../ask/connect.ts";
import { lookup } from "../ask/home.ts";
import { isAlpn, isNameless, tlsOf, whyNoTls } from "../ask/tls.ts";
import { afterTime } from "../ask/within.ts";
import { type Check, found, ok } from "../check.ts";
import type { FindingId } from "../findings/mod.ts";
import { idOfSilence } from "./upgrade/answer.ts";

/** Renewals run a month before the end; two weeks before it, something does not run. */
const SOON_MS = 14 * 24 * 3600 * 1000;

/** Name, TCP and TLS of an address. The first failure ends it: nothing behind it can be seen. */
export async function probeName(url: URL, waitMs: number, now = Date.now()): Promise<Check[]> {
  const { hostname, port } = addressOf(url);
  const start = performance.now();
  try {
    (await connect(new URL(`http://${url.hostname}:${port}`), waitMs)).close();
  } catch (error) {
    const silence = error as NoAnswer;
    return [found(idOfSilence(silence), silence.message)];
  }
  const ms = Math.round(performance.now() - start);
  const reached = ok("name", `${hostname}:${port} accepts connections (${ms} ms)`);
  if (url.protocol !== "https:") return [reached];
  return [reached, await probeTls(hostname, port, waitMs, now)];
}

/** Looks at the certificate itself, so that each fault has its own name. */
function probeTls(host: string, port: number, waitMs: number, now: number): Promise<Check> {
  const { promise, resolve } = Promise.withResolvers<Check>();
  const socket = connectTls({ ...tlsOf(host), port, lookup, rejectUnauthorized: false });
  const cancel = afterTime(waitMs, () => resolve(found("tls_failed", "no TLS answer came")));
  socket.once("secureConnect", () => {
    resolve(judge(host, socket.getPeerCertificate(), socket.authorizationError, now));
  });
  socket.once("error", (error) => {
    resolve(found(idOf(error), whyNoTls(error)));
  });
  return promise.finally(() => {
    cancel();
    socket.destroy();
  });
}

function idOf(error: Error): FindingId {
  if (isAlpn(error)) return "http2_only";
  return isNameless(error) ? "tls_no_certificate" : "tls_failed";
}

function judge(host: string, certificate: PeerCertificate, error: unknown, now: number): Check {
  const { valid_from, valid_to, subjectaltname } = certificate;
  const [from, to] = [Date.parse(valid_from), Date.parse(valid_to)];
  if (now > to) return found("tls_expired", `it was valid until ${valid_to}`);
  if (now < from) return found("tls_expired", `it is valid from ${valid_from}`);
  if (checkServerIdentity(host, certificate)) {
    return found("tls_name", `${host} is not among ${subjectaltname ?? "its names"}`);
  }
  if (error) return found("tls_chain", `${error}; it was issued by ${nameOf(certificate)}`);
  if (to - now < SOON_MS) return found("tls_expires_soon", `it is valid until ${valid_to}`);
  return ok("name", `TLS: valid until ${valid_to}, http/1.1 offered`);
}

/** Who issued it: on a network that reads TLS along that is the network's own authority. */
function nameOf({ issuer }: PeerCertificate): string {
  const { O: organisation, CN: name } = issuer ?? {};
  return [organisation, name].flat().filter(Boolean).join(", ") || "nobody who has a name";
}
