import assert from "node:assert/strict";
import { connect } from "../support/client.ts";
import { inTime } from "../support/in_time.ts";
import { findProxy, type Place, startProxy } from "../support/proxies/start.ts";
import { hosts } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";

const LOCATION = Deno.readTextFileSync(
  new URL("../../deploy/self-host/nginx.relay.conf", import.meta.url),
);

const nginx = findProxy("nginx");

/** The stack's own server block, as far as it matters here: /functions is passed without upgrades. */
const configFor = ({ port, directory }: Place, gateway: string) => `
pid ${directory}/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  upstream kong_upstream { server ${gateway}; }
  server {
    listen 127.0.0.1:${port};
    location /functions { proxy_pass http://kong_upstream; }
    ${LOCATION}
  }
}`;

Deno.test({
  name: `the stack's own nginx passes sockets to the relay, and the client's address alone${
    nginx ? "" : " (skipped: there is no nginx)"
  }`,
  ignore: !nginx,
  fn: () =>
    withRelay(hosts[0], {
      env: { RELAY_TRUSTED_PROXIES: "1", RELAY_HANDSHAKES_PER_MINUTE: "2" },
      onSocket: (socket) => {
        socket.onmessage = ({ data }) => socket.send(data);
      },
    }, async ({ relay }) => {
      const proxy = await startProxy("nginx", (place) => configFor(place, relay.address));
      try {
        const base = `127.0.0.1:${proxy.port}/functions/v1/relay`;
        const client = connect(`ws://${base}/websocket?vsn=2.0.0&jwt=${await sign()}`);
        await inTime(client.opened, "the socket opens");
        const join = JSON.stringify(["1", "1", "realtime:a", "phx_join", { config: {} }]);
        client.send(join);
        assert.equal(JSON.parse(String(await client.next()))[3], "phx_join");
        client.socket.close();
        await client.closed;
        // More than two in one minute, even where a new one begins between them.
        const codes = [];
        for (let host = 1; host <= 5; host++) {
          const headers = { "x-forwarded-for": `192.0.2.${host}` };
          const answer = await fetch(`http://${base}`, { headers });
          codes.push((await answer.json()).code);
        }
        assert.ok(codes.includes("too_many_handshakes"), `${codes}`);
      } finally {
        await proxy.stop();
      }
    }),
});
