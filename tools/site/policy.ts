/** What a page may ask for: the origins of its project and its relay. */
export interface PolicyOptions {
  /** http(s) addresses. */
  reaches: string[];
  /** Whether it goes into a header: `frame-ancestors` means nothing in a meta element. */
  header: boolean;
}

/**
 * The Content-Security-Policy of the page. Scripts and styles come from its own files alone, no text
 * becomes HTML, and it reaches nothing but its project.
 */
export function policy({ reaches, header }: PolicyOptions): string {
  const origins = reaches.map((address) => new URL(address).origin);
  const sockets = origins.map((origin) => origin.replace(/^http/, "ws"));
  const directives = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src ${[...new Set(["'self'", ...origins, ...sockets])].join(" ")}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return [...directives, ...(header ? ["frame-ancestors 'none'"] : [])].join("; ");
}
