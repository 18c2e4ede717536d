/** From a symptom to a mended nginx with a relay behind it, by what is printed alone. */
import assert from "node:assert/strict";
import { nginx } from "../support/proxies/configurations.ts";
import { findProxy, startProxy } from "../support/proxies/start.ts";
import { runCommand } from "./support/command.ts";
import { withStage } from "./support/stage.ts";

const missing = findProxy("nginx") ? "" : " (skipped: nginx is not installed)";

/** What stands there to be pasted: the lines for http { } and those for server { }. */
function pasteOf(text: string): { http: string; server: string } {
  const lines = text.split("\n").filter((line) => /^ {4}(?! {15})/.test(line));
  const [http, server] = lines.map((line) => line.slice(4)).join("\n").split("# in server { }");
  assert.ok(server, text);
  return { http, server };
}

Deno.test({
  name: `two runs mend an nginx that drops upgrades, with a relay behind it${missing}`,
  ignore: missing !== "",
  fn: () =>
    withStage(async ({ stack }) => {
      const { API_URL, ANON_KEY } = stack.info;
      const env = { ANON_KEY };
      const gateway = ["--direct", API_URL];
      const pastes: { http: string; server: string }[] = [];
      const verdicts: string[] = [];
      for (let run = 0; run < 3; run++) {
        const [first] = pastes;
        const proxy = await startProxy(
          "nginx",
          nginx(
            `${pastes.map(({ server }) => server).join("\n")}
            location / { proxy_pass ${API_URL}; }`,
            first?.http,
          ),
        );
        try {
          const { stdout, code } = await runCommand([proxy.url, ...gateway], env);
          verdicts.push(stdout.split("\n")[0]);
          if (run === 2) {
            assert.equal(code, 0, stdout);
            continue;
          }
          assert.equal(code, 1, stdout);
          assert.match(stdout, /the whole file: deploy\/proxies\/nginx\.conf/);
          pastes.push(pasteOf(stdout));
        } finally {
          await proxy.stop();
        }
      }
      assert.match(verdicts[0], /^It breaks at the front\./);
      assert.match(verdicts[1], /relay's path/);
      assert.match(verdicts[2], /^Everything that was looked at is well\./);
    }),
});
