import { resolve4, resolve6 } from "node:dns/promises";
import type { Socket } from "node:net";
import postgres from "postgres";
import { within } from "../../ask/within.ts";
import { dialer, type Place } from "./dial.ts";

/**
 * One connection in the doctor's name. Its first question opens it, and rejects where that takes
 * longer than `waitMs`, in whole seconds.
 */
export const connect = (
  db: string,
  waitMs: number,
  more: postgres.Options<Record<string, postgres.PostgresType>> = {},
): postgres.Sql =>
  postgres(db, {
    max: 1,
    ...dialing(dialer(db, waitMs)),
    // Poolers hand each transaction to another connection, which knows no statement of before.
    prepare: false,
    connect_timeout: Math.ceil(waitMs / 1000),
    // The library's question for the types of arrays is nobody's: where the connection breaks in the
    // middle of it, the rejection ends the process. So no array is sent or read as such.
    fetch_types: false,
    onnotice: () => {},
    ...more,
    connection: { application_name: "realtime-relay-doctor", ...more.connection },
  });

/** An option that the driver's types leave out; what it opens has TLS already. */
const dialing = (socket: (place: Place) => Promise<Socket>) => ({ socket, ssl: false });

/** What a few questions take together, in ms. Who has not answered then answers no more. */
const ANSWER_MS = 20_000;

/**
 * What the questions come to; rejects where they are not answered in time. A pooler that is full says
 * nothing, and the driver loses a question whose connection ends just then.
 */
export async function answered<T>(asked: Promise<T>, ms = ANSWER_MS): Promise<T> {
  const answer = await within(asked.then((value) => ({ value })), ms);
  if (answer) return answer.value;
  throw new Unanswered(ms);
}

/** No answer came in time: the connection is not to be asked again. */
export class Unanswered extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms / 1000} s`);
  }
}

/** A hosted database's own name, which has an IPv6 address alone. */
const HOSTED = /^db\.([a-z0-9]{20})\.supabase\.(?:co|red)$/;
const UNREACHED =
  /ENETUNREACH|EHOSTUNREACH|EAFNOSUPPORT|EADDRNOTAVAIL|does not resolve|no connection, |no connection within|CONNECT_TIMEOUT/;

/** Why there is no connection, and what to do about what is known of hosted ones and their poolers. */
export async function whyNot(db: string, { message }: Error): Promise<string> {
  const { hostname, port, username } = new URL(db);
  const told = message.startsWith("no connection") ? message : `no connection: ${message}`;
  const [, ref] = HOSTED.exec(hostname) ?? [];
  const pooler = `the session pooler's URL (Connect, Session pooler) has IPv4: user postgres.${
    ref ?? "REF"
  }, port 5432`;
  if (UNREACHED.test(message) && (ref || await isIpv6Alone(hostname))) {
    return `${told}; ${hostname} has no IPv4 address, and this machine no IPv6: ${
      ref ? pooler : "take an address that it can reach"
    }`;
  }
  const isPooler = /pooler\.supabase\./.test(hostname) || port === "6543";
  if (isPooler && /tenant or user not found|ENOIDENTIFIER|no tenant/i.test(message)) {
    const is = decodeURIComponent(username).includes(".")
      ? "the region or the project is another"
      : "a pooler wants the project in the user's name: postgres.REF";
    return `${told}; ${is}`;
  }
  if (isPooler && port === "6543") {
    return `${told}; 6543 is the transaction pooler: take 5432, the session's`;
  }
  return told;
}

/** A name server that says nothing is asked again and again. */
const RESOLVE_MS = 5_000;

async function isIpv6Alone(hostname: string): Promise<boolean> {
  const has = (resolve: (hostname: string) => Promise<string[]>) =>
    resolve(hostname).then((them) => them.length > 0, () => false);
  const [four, six] = await within(Promise.all([has(resolve4), has(resolve6)]), RESOLVE_MS) ?? [];
  return six === true && four === false;
}
