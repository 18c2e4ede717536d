import type { Config } from "../config/config.ts";

/**
 * The client's address: the entry of X-Forwarded-For that the outermost trusted proxy wrote. Each
 * proxy appends the address it saw, so with n trusted proxies it is the n-th from the end, and what
 * a client writes itself stands before it. Undefined where none is trusted, or the header is shorter:
 * then nothing is limited by address, since a guess would lock out everybody behind a gateway.
 *
 * Without the port that some proxies add, and of an IPv6 address only the network, which is the
 * first 64 bits: one subscriber has all addresses below it.
 */
export function addressOf(headers: Headers, trustedProxies: number): string | undefined {
  const address = wholeAddressOf(headers, trustedProxies);
  return address && networkOf(address);
}

/** The same, whole: for those who are told of it, and not for what is counted by it. */
export function wholeAddressOf(headers: Headers, trustedProxies: number): string | undefined {
  if (trustedProxies === 0) return undefined;
  const end = (headers.get("x-forwarded-for") ?? "").slice(-trustedProxies * MAX_ENTRY);
  const entry = end.split(",").at(-trustedProxies)?.trim() ?? "";
  const [, v6, v4] = BRACKETS_OR_PORT.exec(entry) ?? [];
  return (v6 ?? v4 ?? entry).toLowerCase() || undefined;
}

/**
 * The hosts by which a request may have reached the relay: its own Host, the project's, whose gateway
 * writes another one, and what the outermost trusted proxy wrote in X-Forwarded-Host.
 */
export function hostsOf(
  url: URL,
  headers: Headers,
  { supabaseUrl, trustedProxies }: Pick<Config, "supabaseUrl" | "trustedProxies">,
): string[] {
  const own = [url.host, supabaseUrl.host];
  if (trustedProxies === 0) return own;
  const entries = (headers.get("x-forwarded-host") ?? "").slice(-MAX_HOSTS).split(",");
  // Most proxies write it anew, whatever stood there.
  const forwarded = entries.at(-trustedProxies) ?? entries[0];
  return [...own, forwarded.trim()];
}

/** A few of the longest names of the DNS. */
const MAX_HOSTS = 1_024;

/** An IPv6 address with brackets, port and blanks, thrice over: proxies write no longer entry. */
const MAX_ENTRY = 160;

/** How proxies write an address with a port, and an IPv6 address in brackets. */
const BRACKETS_OR_PORT = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d+)?$/;

/**
 * An IPv4 address as an IPv6 socket sees it (RFC 4291, 2.5.5.2), and as translators in front of one
 * write it (RFC 7915, RFC 6052): the first six groups. All of them are in one network of 64 bits.
 */
const TRANSLATED = ["0:0:0:0:0:ffff", "0:0:0:0:ffff:0", "64:ff9b:0:0:0:0"];

/** The last 32 bits in dots; what stands behind is a port, or a zone. */
const DOTTED_END = /:(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?!\d).*$/;

function networkOf(address: string): string {
  // Joined anew: a part of the header's text would keep all of it in memory.
  if (!address.includes(":")) return address.split(".").join(".");
  const groups = groupsOf(address);
  if (!TRANSLATED.includes(groups.slice(0, 6).join(":"))) return groups.slice(0, 4).join(":");
  return groups.slice(6).map((group) => parseInt(group, 16)).flatMap(bytesOf).join(".");
}

/** The eight groups of an IPv6 address, `::` written out and without leading zeros. */
function groupsOf(address: string): string[] {
  const text = address.replace(
    DOTTED_END,
    (_, a, b, c, d) => `:${wordOf(a, b)}:${wordOf(c, d)}`,
  );
  const [head, tail] = text.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = tail ? Math.max(0, 8 - head.length - tail.length) : 0;
  const groups = [...head, ...Array(zeros).fill("0"), ...(tail ?? [])];
  return groups.map((group) => group.replace(/^0+(?=.)/, ""));
}

const wordOf = (high: string, low: string): string =>
  (Number(high) * 256 + Number(low)).toString(16);

const bytesOf = (word: number): number[] => [word >> 8, word & 255];
