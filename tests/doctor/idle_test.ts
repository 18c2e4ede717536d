import assert from "node:assert/strict";
import { nginx, NGINX_UPGRADE } from "../support/proxies/configurations.ts";
import { diagnose, sawAll } from "./support/run.ts";
import { withStage } from "./support/stage.ts";
import { LONG } from "../support/long.ts";
import { findProxy, startProxy } from "../support/proxies/start.ts";

const missing = findProxy("nginx")
  ? LONG ? "" : " (ignored: a full count)"
  : " (skipped: no nginx)";

Deno.test({
  name:
    `--idle holds sockets for 25, 35 and 65 s: well at a healthy stack and relay, cut by a proxy${missing}`,
  ignore: missing !== "",
  fn: () =>
    withStage(async ({ stack, key }) => {
      const server = `${NGINX_UPGRADE}
      location / { proxy_pass ${stack.info.API_URL}; proxy_read_timeout 30s; }`;
      const proxy = await startProxy("nginx", nginx(server));
      try {
        const urls = [stack.info.API_URL, stack.info.RELAY_URL, proxy.url];
        const [healthy, relay, cut] = await Promise.all(
          urls.map((url) => diagnose([url, "--key", key, "--idle"])),
        );
        assert.deepEqual(healthy.findings, [], sawAll(healthy));
        assert.deepEqual(relay.findings, [], sawAll(relay));
        assert.deepEqual(cut.findings.map(({ id }) => id), ["idle_cut", "idle_short"], sawAll(cut));
      } finally {
        await proxy.stop();
      }
    }),
});
