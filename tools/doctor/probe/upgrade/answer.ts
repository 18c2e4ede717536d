import { NoAnswer } from "../../ask/connect.ts";
import { ACCEPT } from "../../ask/raw_http.ts";
import type { Answer } from "../../ask/receive.ts";
import type { FindingId } from "../../findings/mod.ts";
import { isFirewall } from "./firewall.ts";
import { type Login, loginOf, LOGINS } from "./login.ts";
import { isSite, readOrigin } from "./origin.ts";
import { readServer } from "./server.ts";
import { isGateway, readWords } from "./words.ts";

/** What an answer to the upgrade means; undefined for a 101 that a browser takes. */
export interface Reading {
  id: FindingId;
  /** The answer, in words. */
  saw: string;
  /** Whether the answer is in Realtime's own words, so that it came through. */
  fromRealtime: boolean;
  login?: Login;
  /** Where a redirect leads. */
  location?: URL;
}

/** What was asked. */
export interface Sent {
  url: URL;
  key?: string;
  protocol?: string;
  /** Whether it was a relay's socket. */
  isRelay?: boolean;
}

const BY_STATUS: Record<number, FindingId> = {
  402: "over_quota",
  404: "path_wrong",
  405: "path_wrong",
  414: "header_too_long",
  421: "host_unknown",
  426: "upgrade_dropped",
  429: "rate_limited",
  431: "header_too_long",
  // Of AWS, for a target group that speaks HTTP/2.
  464: "http_version",
  502: "gateway_unreachable",
  503: "gateway_unreachable",
  504: "gateway_unreachable",
  505: "http_version",
  // Of a network's own gate (RFC 6585, 6), which no server answers by.
  511: "network_login",
  // Of the hosted platform, for a project that is paused.
  540: "project_paused",
  // Of the same, whose gateway was not answered by the project.
  544: "origin_unreachable",
};

/** The port of the command line's own gateway; its neighbours are taken by other projects. */
const CLI_PORT = /^5432[1-9]$/;

/** Reads an answer, or the lack of one, to an upgrade. */
export function readAnswer(answer: Answer | NoAnswer, sent: Sent): Reading | undefined {
  if (answer instanceof NoAnswer) {
    return { id: idOfSilence(answer), saw: answer.message, fromRealtime: false };
  }
  if (answer.status === 101) return readSwitch(answer, sent.protocol);
  const login = loginOf(answer, sent.url);
  const saw = `HTTP ${answer.status}${quote(answer)}${login ? `: ${LOGINS[login]}` : ""}`;
  const fromRealtime = readWords(answer.body)?.byRealtime ?? false;
  const to = answer.headers.get("location") ?? "";
  const location = to && URL.canParse(to, sent.url) ? new URL(to, sent.url) : undefined;
  const id = idOf(answer, sent);
  const isRewrite = id === "upgrade_dropped" && isSite(answer);
  return { id: isRewrite ? "rewrite_drops_upgrade" : id, saw, fromRealtime, login, location };
}

function readSwitch({ headers }: Answer, protocol: string | undefined): Reading | undefined {
  const says = (name: string) => (headers.get(name) ?? "").toLowerCase();
  const wrong = (saw: string): Reading => ({ id: "accept_wrong", saw, fromRealtime: false });
  if (headers.get("sec-websocket-accept") !== ACCEPT || says("upgrade") !== "websocket") {
    return wrong("HTTP 101 with a wrong Sec-WebSocket-Accept or Upgrade");
  }
  if (!says("connection").split(/\s*,\s*/).includes("upgrade")) {
    return wrong("HTTP 101 without Connection: Upgrade");
  }
  if (!protocol && headers.has("sec-websocket-protocol")) {
    return wrong("HTTP 101 with a subprotocol that was not offered");
  }
  if (protocol && headers.get("sec-websocket-protocol") !== protocol) {
    const saw = `HTTP 101 without the subprotocol ${protocol}`;
    return { id: "subprotocol_dropped", saw, fromRealtime: false };
  }
}

function idOf(answer: Answer, sent: Sent): FindingId {
  const { status, headers, body } = answer;
  const login = loginOf(answer, sent.url);
  if (login) return login === "password" ? "password_in_front" : "login_in_front";
  if (status >= 300 && status < 400) {
    return isCircle(headers.get("location"), sent.url) ? "redirect_circle" : "redirect";
  }
  if (isFirewall(answer)) return "waf";
  const byFront = readOrigin(answer) ?? readServer(answer);
  if (byFront) return byFront;
  const isPage = headers.get("content-type")?.includes("text/html") ?? false;
  const id = isPage ? undefined : idOfWords(body, sent);
  if (id) return id;
  // Who answers a plain request well has not heard of a socket here.
  if (status < 300) return isPage ? "page_answered" : "path_wrong";
  if (status === 404 && isGateway(body) && CLI_PORT.test(sent.url.port)) return "cli_realtime_off";
  if (status === 403) return isEnvoys(headers, body) ? "upgrade_dropped" : idOf403(body, sent);
  if (status in BY_STATUS) return BY_STATUS[status];
  return status >= 500 ? "server_error" : "refused_otherwise";
}

/** A relay with RELAY_PASS, of what is not for it. */
const ELSEWHERE = ["not_found", "not_implemented"];

/** Envoy's own answer to an upgrade that its route does not know; what it passes on has its header. */
const isEnvoys = (headers: Headers, body: string) =>
  !body && /envoy/i.test(headers.get("server") ?? "") &&
  !headers.has("x-envoy-upstream-service-time");

/** An empty 403 is Realtime's before 2.116; one of that age has never heard of an opaque key. */
function idOf403(body: string, { key }: Sent): FindingId {
  if (body) return "waf";
  return key?.startsWith("sb_") ? "key_not_swapped" : "refused_403";
}

function idOfWords(body: string, { key, isRelay }: Sent): FindingId | undefined {
  const code = isRelay ? refusalOf(body)?.code : undefined;
  // A relay takes every upgrade, and refuses on the open socket: what it answers by HTTP was none, or,
  // with RELAY_PASS, at a path that is not its own.
  if (code && ELSEWHERE.includes(code)) return "path_wrong";
  if (code?.startsWith("too_many")) return "too_many";
  if (code && !["misconfigured", "draining"].includes(code)) return "upgrade_dropped";
  const { id } = readWords(body) ?? {};
  if (id === "key_missing" && key) return "query_dropped";
  if (id === "key_refused_by_gateway" && !key) return "key_missing";
  if (id === "key_malformed" && key?.startsWith("sb_")) return "key_not_swapped";
  return id;
}

/** A relay's refusal. */
function refusalOf(body: string): { code: string; message: string } | undefined {
  try {
    const { code, message, advice } = JSON.parse(body) ?? {};
    return [code, message, advice].every((it) => typeof it === "string")
      ? { code, message }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a redirect leads to where it came from, or to the same by a scheme that leads back. */
function isCircle(location: string | null, url: URL): boolean {
  if (!location || !URL.canParse(location, url)) return false;
  const to = new URL(location, url);
  const isSame = to.hostname === url.hostname && to.pathname === url.pathname;
  return isSame && (to.protocol === url.protocol ? to.port === url.port : to.protocol === "http:");
}

/** Why no answer came. */
export function idOfSilence({ kind, message }: NoAnswer): FindingId {
  switch (kind) {
    case "name":
      return "name_unresolved";
    case "resolver":
      return "resolver_fails";
    case "refused":
      return "tcp_refused";
    case "unreachable":
      return "no_route";
    case "timeout":
      return "tcp_timeout";
    case "tls":
      return "tls_failed";
    case "silent":
      return "unanswered";
    case "closed":
      return "closed_unanswered";
    case "not_http":
      if (message.includes("TLS")) return "https_wanted";
      return message.includes("HTTP/2") ? "http2_only" : "not_http";
  }
}

/** A body that is words; of a page only that it is one. */
function quote({ headers, body }: Answer): string {
  const location = headers.get("location");
  if (location) return ` to ${location.split("?")[0]}`;
  const refusal = refusalOf(body);
  if (refusal) return `: ${refusal.code}: ${refusal.message}`;
  const text = body.trim().replace(/\s+/g, " ");
  if (/^</.test(text)) return ", a page";
  return text ? `: ${text}` : ", empty";
}
