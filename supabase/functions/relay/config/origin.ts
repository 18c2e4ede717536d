/** A scheme (RFC 3986, 3.1), and a host with a port that may follow; `*.` stands for labels before it. */
const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/(\*\.)?([^/?#@*\s\\]+)\/?$/i;

/** The longest name of the DNS, a scheme and a port. */
const MAX_LENGTH = 300;

/** Ports that browsers leave out (URL standard, 4.2). */
const DEFAULT_PORT: Record<string, string> = { http: ":80", https: ":443", ws: ":80", wss: ":443" };

/**
 * An origin as browsers send it (RFC 6454, 6.2): scheme and host in small letters, a name of other
 * alphabets in its ASCII form, without the scheme's own port and without a slash at its end. `*.`
 * before the host stays. Undefined for what is no origin.
 */
export function normalOrigin(text: string): string | undefined {
  const [, scheme, wildcard = "", given] = (text.length <= MAX_LENGTH && ORIGIN.exec(text)) || [];
  if (scheme === undefined) return undefined;
  const name = scheme.toLowerCase();
  const port = DEFAULT_PORT[name] ?? "";
  // Hosts of other schemes are compared as those of http, of which the URL standard says more.
  const host = URL.parse(`${port ? name : "http"}://${given}`)?.host;
  if (!host) return undefined;
  const keepsPort = !port && given.endsWith(":80") && !host.endsWith(":80");
  return `${name}://${wildcard}${host}${keepsPort ? ":80" : ""}`;
}

/**
 * True if `origin`, as a browser sends it, is on the list: exact, or one or more labels below
 * `https://*.example.com`. `*` allows all.
 */
export function isListed(origin: string, list: readonly string[]): boolean {
  return list.some((allowed) => {
    if (allowed === "*" || allowed === origin) return true;
    const [scheme, domain] = allowed.split("*");
    return domain !== undefined && origin.startsWith(scheme) && origin.endsWith(domain) &&
      /^[a-z0-9.-]+$/.test(origin.slice(scheme.length, -domain.length));
  });
}
