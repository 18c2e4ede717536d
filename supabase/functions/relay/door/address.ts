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
  if (trustedProxies === 0) return undefined;
  const end = (headers.get("x-forwarded-for") ?? "").slice(-trustedProxies * MAX_ENTRY);
  const entry = end.split(",").at(-trustedProxies)?.trim();
  return entry ? networkOf(entry) : undefined;
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

/** An IPv4 address as an IPv6 socket sees it (RFC 4291, 2.5.5.2), with its zeros or without. */
const MAPPED = /^(?:::|(?:0{1,4}:){5})ffff:(.*)$/;
const HALVES = /^([\da-f]{1,4}):([\da-f]{1,4})$/;

function networkOf(entry: string): string {
  const [, v6, v4] = BRACKETS_OR_PORT.exec(entry) ?? [];
  const address = (v6 ?? v4 ?? entry).toLowerCase();
  // Joined anew: a part of the header's text would keep all of it in memory.
  if (!address.includes(":")) return address.split(".").join(".");
  const mapped = MAPPED.exec(address);
  return mapped ? dotted(mapped[1]) : firstHalf(address);
}

/** An IPv4 address in its own spelling, of which two groups of an IPv6 address are another. */
function dotted(end: string): string {
  const halves = HALVES.exec(end)?.slice(1).map((half) => parseInt(half, 16));
  return (halves?.flatMap((half) => [half >> 8, half & 255]) ?? end.split(".")).join(".");
}

/** The first four of an IPv6 address's eight groups, `::` written out and without leading zeros. */
function firstHalf(address: string): string {
  const [head, tail] = address.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = tail ? Math.max(0, 8 - head.length - tail.length) : 0;
  const groups = [...head, ...Array(zeros).fill("0"), ...(tail ?? [])];
  return groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "")).join(":");
}
