/** Supabase's own paths, below which people keep addresses. */
const PARTS = /\/(?:rest|auth|storage|graphql|functions|realtime|pg|mcp)(?:\/v\d+)?(?:\/.*)?$/;
/** Where a dashboard shows a hosted project. */
const DASHBOARD = /^\/(?:dashboard\/)?project\/([a-z0-9]{20})(?:\/|$)/;
/** Hosts of a hosted project that serve one part of it, or nothing: the database's own. */
const PART_HOSTS = /^(?:db\.([a-z0-9]{20})|([a-z0-9]{20})\.(?:storage|functions))\.supabase\.co$/;
/** Where Studio shows a project that is served beside it. */
const STUDIO_PAGE = /\/project\/default(?:\/.*)?$/;
/** The ports of the command line's Studio and of its gateway. */
const [STUDIO, GATEWAY] = ["54323", "54321"];

/** Its path behind one slash: behind two, as joined addresses have it, the next name reads as a host. */
export const pathOf = ({ pathname }: URL): string => pathname.replace(/^\/+/, "/");

/** The project's URL, with a slash at its end, of whatever address of it somebody has. */
export function projectUrl(url: URL): URL {
  const [, ref] = DASHBOARD.exec(url.pathname) ?? [];
  if (ref && /(?:^|\.)supabase\.(?:com|io|green)$/.test(url.hostname)) {
    return new URL(`https://${ref}.supabase.co/`);
  }
  const [, database, part] = PART_HOSTS.exec(url.hostname) ?? [];
  if (database || part) return new URL(`https://${database ?? part}.supabase.co/`);
  if (url.port === STUDIO && /^\/(?:project\/default|$)/.test(url.pathname)) {
    return new URL(`${url.protocol}//${url.hostname}:${GATEWAY}/`);
  }
  const path = pathOf(url).replace(PARTS, "/").replace(STUDIO_PAGE, "/").replace(/\/*$/, "/");
  return new URL(path, url.origin);
}

/** The address that stands for it: itself, or the project's where its host serves a part alone. */
export function atProject(url: URL): URL {
  const project = projectUrl(url);
  if (project.host === url.host) return url;
  const isFunction = /\.functions\./.test(url.hostname) && url.pathname !== "/";
  return isFunction ? new URL(`functions/v1${url.pathname}${url.search}`, project) : project;
}

/**
 * The scheme of an address that has none: http where no certificate is to be expected, that is on
 * this machine, at a bare number or name, or at a port that is not one of https.
 */
export function schemeOf(address: string): "http" | "https" {
  const [, host = "", port] = /^(\[[^\]]*\]|[^/:?#]*)(?::(\d+))?/.exec(address) ?? [];
  if (port) return ["443", "8443"].includes(port) ? "https" : "http";
  const isLocal = /(?:^|\.)(?:localhost|local|internal|lan|test)$/.test(host) ||
    /^[\d.]+$|^\[/.test(host) || !host.includes(".");
  return isLocal ? "http" : "https";
}
