import assert from "node:assert/strict";
import { connect } from "./support/client.ts";
import { inTime } from "./support/in_time.ts";
import { hosts } from "./support/relay_host.ts";
import { withRelay } from "./support/served_relay.ts";
import { sign } from "./support/tokens.ts";

const LOCATION = Deno.readTextFileSync(
  new URL("../deploy/self-host/nginx.relay.conf", import.meta.url),
);

const nginx = await new Deno.Command("sh", { args: ["-c", "command -v nginx"], stdout: "piped" })
  .output().then(({ stdout }) => new TextDecoder().decode(stdout).trim());

/** The stack's own server block, as far as it matters here: /functions is passed without upgrades. */
const configFor = (port: number, gateway: string) => `
daemon off;
pid nginx.pid;
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

/** Runs nginx before the gateway's address, until the test is over. */
async function withNginx(gateway: string, test: (address: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  const address = `127.0.0.1:${freePort()}`;
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    configFor(Number(address.split(":")[1]), gateway),
  );
  const args = ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"];
  const child = new Deno.Command(nginx, { args, stderr: "null" }).spawn();
  try {
    await inTime(answering(`http://${address}/`), "nginx answers");
    await test(address);
  } finally {
    child.kill("SIGTERM");
    await child.status;
    await Deno.remove(folder, { recursive: true });
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** nginx does not say when it listens. */
async function answering(url: string): Promise<void> {
  while (true) {
    try {
      return void await (await fetch(url)).body?.cancel();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

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
      await withNginx(relay.address, async (address) => {
        const base = `${address}/functions/v1/relay`;
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
      });
    }),
});
