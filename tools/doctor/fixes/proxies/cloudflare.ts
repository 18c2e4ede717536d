import type { Fixes } from "../fixes.ts";

export const cloudflare: Fixes = {
  route: ({ prefix, path }) =>
    `# Network > WebSockets: on
# Rules > Page or Configuration Rules: none that rewrites or caches ${prefix}${path}*
# SSL/TLS: Full (strict), so that Cloudflare does not redirect in a circle`,
  host: () =>
    `# Rules > Origin Rules: Host Header = realtime-dev.localhost, for what leads to Realtime itself`,
  timeouts: () =>
    `# Cloudflare ends sockets that are idle for 100 s: heartbeats every 25 s keep them.`,
  firewall: ({ prefix, path }) =>
    `# Security > WAF > Custom rules: Skip (all managed rules, Super Bot Fight Mode) for
(http.request.uri.path eq "${prefix}${path}websocket")`,
};
