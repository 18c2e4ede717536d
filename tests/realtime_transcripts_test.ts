import assert from "node:assert/strict";
import { type Cluster, startCluster } from "./support/database.ts";
import { conversations, replay } from "./support/transcript/conversation.ts";
import { report } from "./support/transcript/report.ts";

/** One conversation alone: RELAY_TRANSCRIPT=07. */
const ONLY = Deno.env.get("RELAY_TRANSCRIPT");
/** With the original's times: refusals after 2 and 5 s, sockets idle for a minute. */
const LONG = Deno.env.get("RELAY_TEST_LONG") === "1";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

for (const conversation of conversations()) {
  const { name, number } = conversation;
  Deno.test({
    name: `conversation ${name} goes as recorded${LONG ? ", at its own pace" : ""}`,
    ignore: ONLY !== undefined && ONLY !== number,
    async fn() {
      const differences = await replay(conversation, { cluster, long: LONG });
      assert.ok(differences.length === 0, report(name, differences));
    },
  });
}
