import type { Way } from "./way.ts";

/** A path as a pattern. */
const pattern = (path: string) => path.replace(/[.+?^$(){}|[\]\\]/g, "\\$&");

/** How a path goes without a login, in each product's own words. */
export const LOGIN_LINES: Record<string, (way: Way, host: string) => string> = {
  cloudflare_access: ({ prefix, path }, host) =>
    `# Zero Trust > Access > Applications > Add an application > Self-hosted
# Application domain: ${host}, path ${prefix}${path}*
# Policy: action Bypass, include Everyone`,
  oauth2_proxy: ({ prefix, path }) =>
    `# oauth2-proxy.cfg
skip_auth_routes = [ "GET=^${pattern(prefix + path)}" ]`,
  authelia: ({ prefix, path }, host) =>
    `# configuration.yml, before the other rules
access_control:
  rules:
    - domain: "${host}"
      resources: ["^${pattern(prefix + path)}.*$"]
      policy: bypass`,
  authentik: ({ prefix, path }) =>
    `# Applications > Providers > the proxy provider > Unauthenticated Paths
^${pattern(prefix + path)}.*`,
  vercel: () =>
    `# Settings > Deployment Protection: off for this deployment, or call the API by its own address`,
};
