import assert from "node:assert/strict";
import { PASTED, pasted } from "./support/doctor/pasted.ts";
import { checkSyntax } from "./support/proxies/check.ts";
import { MISSING, PROXIES } from "./support/proxies/shipped.ts";

Deno.test({
  name: `the lines that the doctor prints pass the check of the proxy that they are for${MISSING}`,
  ignore: PROXIES.length === 0,
  async fn(t) {
    for (const name of PROXIES) {
      for (const topic of PASTED) {
        await t.step(`${name}: ${topic}`, async () => {
          const said = await checkSyntax(name, pasted(name, topic, "127.0.0.1:1"));
          assert.equal(said, undefined, said);
        });
      }
    }
  },
});
