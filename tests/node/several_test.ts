/** Several processes behind a proxy, as the shipped examples have them. */
import assert from "node:assert/strict";
import { type Client, connect } from "../support/client.ts";
import { nodeHost, nodeMissing } from "../support/node_host.ts";
import { findProxy, type Place, startProxy } from "../support/proxies/start.ts";
import { startRelay } from "../support/relay_host.ts";
import { relayEnv } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";
import { startUpstream } from "../support/upstream.ts";

const UPSTREAM = Deno.readTextFileSync(new URL("../../deploy/node/nginx.conf", import.meta.url));

const missing = nodeMissing || (findProxy("nginx") ? "" : " (skipped: there is no nginx)");

/** The shipped upstream, with these addresses for its own. */
function configFor({ port, directory }: Place, [one, other]: string[]): string {
  const upstream = UPSTREAM.replace("127.0.0.1:8787", one).replace("127.0.0.1:8788", other);
  assert.ok(upstream.includes(one) && upstream.includes(other));
  return `
pid ${directory}/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  ${upstream}
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://relay;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }
  }
}`;
}

const SOCKETS = 10;

async function openAll(url: string): Promise<Client[]> {
  const clients = Array.from({ length: SOCKETS }, () => connect(url));
  await Promise.all(clients.map(({ opened }) => opened));
  return clients;
}

Deno.test({
  name: `a process that ends hands its clients on: nginx leads them to the other${missing}`,
  ignore: missing !== "",
  async fn() {
    const upstream = startUpstream();
    const env = { ...relayEnv(upstream.url), RELAY_DRAIN_MS: "2000" };
    const relays = [await startRelay(nodeHost, env), await startRelay(nodeHost, env)];
    const addresses = relays.map(({ address }) => address);
    const proxy = await startProxy("nginx", (place) => configFor(place, addresses));
    const openAt = async (address: string): Promise<number> =>
      (await (await fetch(`http://${address}/relay/health`)).json()).sockets.open;
    try {
      const url = `ws://127.0.0.1:${proxy.port}/relay/websocket?vsn=2.0.0&jwt=${await sign()}`;
      const first = await openAll(url);
      assert.deepEqual(await Promise.all(addresses.map(openAt)), [SOCKETS / 2, SOCKETS / 2]);
      relays[0].signal("SIGTERM");
      const ends = Promise.race(first.map(({ closed }) => closed));
      assert.equal((await ends).code, 1012);
      const next = await openAll(url);
      assert.equal(await openAt(addresses[1]), SOCKETS + SOCKETS / 2);
      assert.equal(await relays[0].exited, 0);
      for (const { socket, closed } of [...first, ...next]) {
        socket.close();
        await closed;
      }
    } finally {
      await proxy.stop();
      for (const relay of relays) await relay.stop();
      await upstream.stop();
    }
  },
});
