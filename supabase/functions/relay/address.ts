/**
 * The client's address: the entry of X-Forwarded-For that the outermost trusted proxy wrote. Each
 * proxy appends the address it saw, so with n trusted proxies it is the n-th from the end, and what
 * a client writes itself stands before it. Undefined where none is trusted, or the header is shorter:
 * then nothing is limited by address, since a guess would lock out everybody behind a gateway.
 */
export function addressOf(headers: Headers, trustedProxies: number): string | undefined {
  if (trustedProxies === 0) return undefined;
  const entries = (headers.get("x-forwarded-for") ?? "").split(",").map((entry) => entry.trim());
  return entries.at(-trustedProxies) || undefined;
}
