// A process of its own that starts each proxy there is and holds it, to be killed by a test.
// Prints one JSON line when they listen: their ports and directories.
import { apache, caddy, haproxy, nginx } from "./configurations.ts";
import { PROXIES } from "./shipped.ts";
import { type Place, type ProxyName, startProxy } from "./start.ts";

const HOLD_MS = 60_000;

const CONFIGURATIONS: Record<ProxyName, (place: Place) => string> = {
  nginx: nginx("return 204;"),
  caddy: caddy("respond 204"),
  haproxy: haproxy("http-request return status 204", "127.0.0.1:1"),
  apache: apache(""),
};

const proxies = await Promise.all(PROXIES.map((name) => startProxy(name, CONFIGURATIONS[name])));
console.log(JSON.stringify(proxies.map(({ port, directory }) => ({ port, directory }))));
await new Promise<never>((_, reject) => setTimeout(reject, HOLD_MS, new Error("Nobody came.")));
