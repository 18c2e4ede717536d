import { tmpdir } from "node:os";
import { freePort } from "../../stack/postgres/free_port.ts";
import type { Peer } from "./peer.ts";
import { startServer, versionOf } from "./program.ts";

/** A reverse proxy that a distribution brings: one process, no access log. */
interface Server {
  name: string;
  version: string[];
  config(port: number, upstream: number): string;
  args(file: string): string[];
}

export const SERVERS: Server[] = [
  {
    name: "nginx",
    version: ["-v"],
    args: (file) => ["-c", file],
    // It removes the file of its pid when it ends: that must be one of its own.
    config: (port, upstream) => `
daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 20000;
pid ${tmpdir()}/bench-nginx-${port}.pid; error_log /dev/null crit;
events { worker_connections 16000; }
http {
  access_log off;
  map $http_upgrade $kept_or_upgraded { default upgrade; "" ""; }
  upstream bench { server 127.0.0.1:${upstream}; keepalive 64; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $kept_or_upgraded;
      proxy_read_timeout 3600s;
    }
  }
}`,
  },
  {
    name: "haproxy",
    version: ["-v"],
    args: (file) => ["-q", "-f", file],
    config: (port, upstream) => `
global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 10s
  timeout client 3600s
  timeout server 3600s
  timeout tunnel 3600s
listen bench
  bind 127.0.0.1:${port} backlog 4096
  server upstream 127.0.0.1:${upstream}
`,
  },
  {
    name: "caddy",
    version: ["version"],
    args: (file) => ["run", "--adapter", "caddyfile", "--config", file],
    config: (port, upstream) => `
{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  reverse_proxy 127.0.0.1:${upstream}
}
`,
  },
];

/** Those of them that are installed, and the names of the others. */
export async function findServers(): Promise<{ peers: Peer[]; absent: string[] }> {
  const peers: Peer[] = [];
  const absent: string[] = [];
  for (const server of SERVERS) {
    const version = await versionOf(server.name, server.version);
    if (version) peers.push(peerOf(server, version));
    else absent.push(server.name);
  }
  return { peers, absent };
}

function peerOf({ name, config, args }: Server, version: string): Peer {
  return {
    name,
    version,
    request: () => ({ path: "/realtime/v1/websocket?vsn=2.0.0" }),
    async start(upstream) {
      const port = freePort();
      const file = await Deno.makeTempFile({ prefix: `bench-${name}-` });
      await Deno.writeTextFile(file, config(port, upstream));
      const proxy = await startServer(name, args(file), port);
      await Deno.remove(file);
      return proxy;
    },
  };
}
