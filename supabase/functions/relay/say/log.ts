import type { Identity } from "../door/identity.ts";
import { causeOf, type RelayError } from "../errors.ts";
import type { LogLine } from "../runtime.ts";
import type { Session } from "../socket/session.ts";
import type { Summary } from "../socket/tunnel.ts";

/** The line for a socket that opened; `sockets` are open now. */
export function openLine(id: string, identity: Identity, sockets: number): LogLine {
  const [user, role] = identity.kind === "user" ? [identity.id, identity.role] : ["", "anon"];
  return { event: "open", id, user, role, sockets };
}

/** The line for a socket that closed, after `ms` milliseconds. */
export function closeLine(id: string, session: Session, summary: Summary, ms: number): LogLine {
  const { by, code, error } = summary;
  const { fromClient, fromUpstream } = session.counts;
  return {
    event: "close",
    id,
    ms,
    by,
    code,
    messagesUp: fromClient.messages,
    bytesUp: fromClient.bytes,
    messagesDown: fromUpstream.messages,
    bytesDown: fromUpstream.bytes,
    ...(error && { error: error.code, ...cause(error) }),
  };
}

/** The line for a refusal. */
export function refuseLine(id: string, error: RelayError): LogLine {
  return { event: "refuse", id, code: error.code, ...cause(error) };
}

function cause(error: RelayError): { cause?: string } {
  const cause = causeOf(error);
  return cause === undefined ? {} : { cause };
}
