import { join } from "node:path";
import type { Certificate } from "./certificate.ts";
import { checkSyntax } from "./check.ts";
import { ownPort } from "./ports.ts";
import { findProxy, type Place, type Proxy, type ProxyName, startProxy } from "./start.ts";

const FILES: Record<ProxyName, string> = {
  nginx: "nginx.conf",
  caddy: "Caddyfile",
  haproxy: "haproxy.cfg",
  apache: "apache.conf",
};

/** The proxies whose files can be run here, and a note for a test's name about the others. */
export const PROXIES = (Object.keys(FILES) as ProxyName[]).filter(findProxy);
const missing = Object.keys(FILES).filter((name) => !findProxy(name as ProxyName));
export const MISSING = missing.length > 0 ? ` (skipped: there is no ${missing.join(", ")})` : "";

/** Where a shipped file leads, and what it shows. */
export interface Ends {
  /** host:port of Supabase's gateway. */
  gateway: string;
  /** host:port of the relay. */
  relay: string;
  certificate: Certificate;
}

/** A proxy that runs on a file of deploy/proxies. */
export interface Front extends Proxy {
  name: ProxyName;
  /** host:port of its https; the host is a name, so that it differs from those behind. */
  host: string;
  /** host:port of its http. */
  plainHost: string;
  /** All that it logged so far, to whatever file. */
  logs(): Promise<string>;
}

/** Starts a proxy on its shipped file, of which only addresses, ports and paths are others. */
export async function startShipped(name: ProxyName, ends: Ends): Promise<Front> {
  let plainPort = 0;
  const proxy = await startProxy(name, (place) => {
    plainPort = ownPort();
    return configure(name, place, plainPort, ends);
  });
  return Object.assign(proxy, {
    name,
    host: `localhost:${proxy.port}`,
    plainHost: `localhost:${plainPort}`,
    async logs() {
      const texts = [...proxy.output];
      for await (const { name } of Deno.readDir(proxy.directory)) {
        if (name.endsWith(".log")) texts.push(await Deno.readTextFile(join(proxy.directory, name)));
      }
      return texts.join("\n");
    },
  });
}

/** Starts all that can run here. */
export async function withShipped(ends: Ends, work: (fronts: Front[]) => Promise<void>) {
  const fronts: Front[] = [];
  try {
    for (const name of PROXIES) fronts.push(await startShipped(name, ends));
    await work(fronts);
  } finally {
    await Promise.all(fronts.map((front) => front.stop()));
  }
}

/** What the proxy's own check of the syntax says about the shipped file: undefined if it is good. */
export const checkShipped = (name: ProxyName, ends: Ends): Promise<string | undefined> =>
  checkSyntax(name, (place) => configure(name, place, ownPort(), ends));

function configure(name: ProxyName, place: Place, plainPort: number, ends: Ends): string {
  const text = Deno.readTextFileSync(
    new URL(`../../../deploy/proxies/${FILES[name]}`, import.meta.url),
  );
  const { cert, key, both } = ends.certificate;
  const [port, plain] = [place.port, plainPort].map((port) => `127.0.0.1:${port}`);
  const everywhere = { "127.0.0.1:8000": ends.gateway, "127.0.0.1:8787": ends.relay };
  const files = {
    "/etc/letsencrypt/live/example.com/fullchain.pem": cert,
    "/etc/letsencrypt/live/example.com/privkey.pem": key,
  };
  const others: Record<ProxyName, Record<string, string>> = {
    nginx: {
      ...files,
      "listen 80;": `listen ${plain};`,
      "listen 443 ssl;": `listen ${port} ssl;`,
      "/var/log/nginx/": `${place.directory}/`,
    },
    // Nobody issues a certificate for this name, so here it is given one.
    caddy: {
      "http://example.com {": `http://localhost:${plainPort} {\n\tbind 127.0.0.1`,
      "https://example.com {":
        `https://localhost:${place.port} {\n\tbind 127.0.0.1\n\ttls ${cert} ${key}`,
    },
    haproxy: {
      "bind :80": `bind ${plain}`,
      "bind :443": `bind ${port}`,
      "/etc/haproxy/example.com.pem": both,
    },
    apache: {
      ...files,
      "<VirtualHost *:80>": `Listen ${plain}\n<VirtualHost ${plain}>`,
      "<VirtualHost *:443>": `Listen ${port}\n<VirtualHost ${port}>`,
    },
  };
  return around(name, place, replaceAll(text, { ...everywhere, ...others[name] }));
}

function replaceAll(text: string, replacements: Record<string, string>): string {
  for (const [from, to] of Object.entries(replacements)) {
    if (!text.includes(from)) throw new Error(`The shipped file does not hold "${from}".`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** What Debian's own configuration has around the file. */
function around(name: ProxyName, { directory }: Place, file: string): string {
  switch (name) {
    case "nginx":
      return `pid nginx.pid;
error_log ${directory}/error.log;
events {}
http {
client_body_temp_path body; proxy_temp_path proxy;
fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
${file}
}`;
    case "haproxy":
      return `global\nlog stdout format raw local0\n${file}`;
    case "apache":
      return `ServerName 127.0.0.1
User nobody
Group nogroup
ErrorLog ${directory}/error.log
Define APACHE_LOG_DIR ${directory}
Define APACHE_RUN_DIR ${directory}
${modules(file).join("\n")}
${file}`;
    case "caddy":
      return file;
  }
}

const AVAILABLE = "/etc/apache2/mods-available";
/** Those that Debian enables and that can matter to a proxy. */
const ENABLED = ["mpm_event", "authz_core", "filter", "deflate", "reqtimeout"];

/** What Debian has loaded, and what the file's own a2enmod line adds, with Debian's settings. */
function modules(file: string): string[] {
  const [, added] = /^#\s+a2enmod (.+)$/m.exec(file)!;
  const loaded = new Set<string>();
  const load = (module: string) => {
    const text = Deno.readTextFileSync(`${AVAILABLE}/${module}.load`);
    const [, needed = ""] = /^# Depends: (.*)$/m.exec(text) ?? [];
    needed.split(" ").filter(Boolean).forEach(load);
    loaded.add(module);
  };
  [...ENABLED, ...added.split(" ")].forEach(load);
  return ["Include", "IncludeOptional"].flatMap((directive) =>
    [...loaded].map((module) =>
      `${directive} ${AVAILABLE}/${module}.${directive === "Include" ? "load" : "conf"}`
    )
  );
}
