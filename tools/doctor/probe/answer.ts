import type { FindingId } from "../findings/mod.ts";
import { ACCEPT, type Answer, NoAnswer } from "../raw_http.ts";

/** What an answer to the upgrade means; undefined for a 101 that a browser takes. */
export interface Reading {
  id: FindingId;
  /** The answer, in words. */
  saw: string;
  /** Whether the answer is in Realtime's own words, so that it came through. */
  fromRealtime: boolean;
}

/** Bodies in the words of Realtime, of Kong, and of Supabase's own gateway. */
const WORDS: [RegExp, FindingId][] = [
  [/'(connection|upgrade)' header must contain|not an? (websocket )?upgrade/i, "upgrade_dropped"],
  [/HTTP version \S+ unsupported|requires HTTP\/1\.1/i, "http_version"],
  [/Tenant not found/, "tenant_not_found"],
  [/Realtime was disabled/, "tenant_disabled"],
  [/API key is missing|No API key found/, "key_missing"],
  [/Failed to validate JWT signature/, "key_signature"],
  [/Token has expired/, "key_expired"],
  [/not a valid JWT/, "key_malformed"],
  [/Fields `role` and `exp`/, "key_claims"],
  [/Failed to generate JWT signer/, "key_algorithm"],
  [/Too many connected users|Too many joins/, "too_many"],
  [/Invalid API key|Invalid authentication credentials|Unauthorized/, "key_refused_by_gateway"],
];

const BY_STATUS: Record<number, FindingId> = {
  404: "path_wrong",
  405: "path_wrong",
  414: "header_too_long",
  426: "upgrade_dropped",
  429: "too_many",
  431: "header_too_long",
  502: "gateway_unreachable",
  503: "gateway_unreachable",
  504: "gateway_unreachable",
  505: "http_version",
};

/** Whose words these are: the gateway says `message`, Realtime says `error` or nothing. */
const OF_REALTIME = /^\{"error":|' header must contain/;

/** Reads an answer, or the lack of one, to an upgrade with this key and this one subprotocol. */
export function readAnswer(
  answer: Answer | NoAnswer,
  sent: { key?: string; protocol?: string },
): Reading | undefined {
  if (answer instanceof NoAnswer) {
    return { id: idOfSilence(answer), saw: answer.message, fromRealtime: false };
  }
  if (answer.status === 101) return readSwitch(answer, sent.protocol);
  const saw = `HTTP ${answer.status}${quote(answer)}`;
  const fromRealtime = OF_REALTIME.test(answer.body);
  return { id: idOf(answer, sent.key), saw, fromRealtime };
}

function readSwitch({ headers }: Answer, protocol: string | undefined): Reading | undefined {
  const says = (name: string) => (headers.get(name) ?? "").toLowerCase();
  if (headers.get("sec-websocket-accept") !== ACCEPT || says("upgrade") !== "websocket") {
    const saw = "HTTP 101 with a wrong Sec-WebSocket-Accept or Upgrade";
    return { id: "accept_wrong", saw, fromRealtime: false };
  }
  if (protocol && headers.get("sec-websocket-protocol") !== protocol) {
    const saw = `HTTP 101 without the subprotocol ${protocol}`;
    return { id: "subprotocol_dropped", saw, fromRealtime: false };
  }
}

function idOf({ status, headers, body }: Answer, key: string | undefined): FindingId {
  if (status >= 300 && status < 400) return "redirect";
  const isPage = headers.get("content-type")?.includes("text/html") ?? false;
  if (headers.has("cf-mitigated") || (status === 403 && body)) {
    if (!/Realtime was disabled/.test(body)) return "waf";
  }
  const [, id] = WORDS.find(([words]) => words.test(body)) ?? [];
  if (id === "key_missing" && key) return "query_dropped";
  if (id === "key_malformed" && key?.startsWith("sb_")) return "key_not_swapped";
  if (id && !isPage) return id;
  if (status === 200 && isPage) return "page_answered";
  if (status === 403) return "refused_403";
  if (status in BY_STATUS) return BY_STATUS[status];
  return status >= 500 ? "server_error" : "refused_otherwise";
}

function idOfSilence({ kind, message }: NoAnswer): FindingId {
  switch (kind) {
    case "name":
      return "name_unresolved";
    case "refused":
      return "tcp_refused";
    case "timeout":
      return "tcp_timeout";
    case "tls":
      return "tls_failed";
    case "silent":
      return "unanswered";
    case "closed":
      return "closed_unanswered";
    case "not_http":
      return message.includes("HTTP/2") ? "http2_only" : "not_http";
  }
}

/** A body that is words; of a page only that it is one. */
function quote({ headers, body }: Answer): string {
  const location = headers.get("location");
  if (location) return ` to ${location.split("?")[0]}`;
  const text = body.trim().replace(/\s+/g, " ");
  if (/^</.test(text)) return ", a page";
  return text ? `: ${text}` : ", empty";
}
