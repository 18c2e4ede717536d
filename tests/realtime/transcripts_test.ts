import assert from "node:assert/strict";
import { type Cluster, startCluster } from "../support/database.ts";
import { LONG } from "../support/long.ts";
import { recorded, replayed } from "./support/transcript/by_nature.ts";
import { Comparison } from "./support/transcript/compare.ts";
import { conversations, replay } from "./support/transcript/conversation.ts";
import { report } from "./support/transcript/report.ts";
import { readSteps } from "./support/transcript/steps.ts";

/** One conversation alone: RELAY_TRANSCRIPT=07. */
const ONLY = Deno.env.get("RELAY_TRANSCRIPT");

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

/** Those that take longest are replayed with the full counts alone. */
const SLOW = new Set(["14", "18", "21", "23"]);

for (const conversation of conversations()) {
  const { name, number } = conversation;
  const isLeft = ONLY === undefined && !LONG && SLOW.has(number);
  Deno.test({
    name: `conversation ${name} goes as recorded` +
      (LONG ? ", at its own pace" : isLeft ? " (ignored: a full count)" : ""),
    ignore: isLeft || ONLY !== undefined && ONLY !== number,
    async fn() {
      const differences = await replay(conversation, { cluster, long: LONG });
      assert.ok(differences.length === 0, report(name, differences));
    },
  });
}

Deno.test("a line of no known form is an error, so that nothing is passed over", () => {
  assert.throws(() => readSteps("### a heading\n[A] +1ms <~ {}"), /line 2 is of no known form/);
});

/** What is found to differ when frames with these payloads were recorded, and those came. */
function differences(before: string[], now: string[], event = "broadcast"): string[] {
  const comparison = new Comparison(recorded(""), replayed("", Date.now()));
  const frame = (payload: string) => `{"topic":"t","event":"${event}","payload":${payload}}`;
  const expected = before.map((payload, index) => ({ line: index + 1, frame: frame(payload) }));
  return comparison.frames("A", expected, now.map(frame))
    .map(({ line, what }) => `${line} ${what}`);
}

Deno.test("a comparison finds what differs, is missing, is too much, or is out of order", () => {
  assert.deepEqual(differences(["1", "2"], ["1", "2"]), []);
  assert.deepEqual(differences(['{"a":1,"b":2}'], ['{"b":2,"a":1}']), ["1 differs"]);
  assert.deepEqual(differences(["1", "2"], ["2"]), ["1 did not come"]);
  assert.deepEqual(differences(["1"], ["1", "1"]), [
    "1 came after this line and is not in the recording",
  ]);
  assert.deepEqual(differences(["1", "2"], ["2", "1"]), ["1 came after the frame of line 2"]);
});

Deno.test("a comparison lets diffs of different presences pass each other, not those of one", () => {
  const [one, other] = ["AAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBB"];
  const joins = (ref: string, n: number) => `{"n":${n},"phx_ref":"${ref}"}`;
  const event = "presence_diff";
  const before = [joins(one, 1), joins(other, 2)];
  assert.deepEqual(differences(before, before.toReversed(), event), []);
  const same = [joins(one, 1), joins(one, 2)];
  assert.deepEqual(differences(same, same.toReversed(), event), [
    "1 came after the frame of line 2",
  ]);
});

Deno.test("a comparison takes ids and times for what they were before, and nothing else", () => {
  const [old, mine, other] = ["a", "b", "c"].map((c) =>
    `"${c.repeat(8)}-0000-4000-8000-000000000000"`
  );
  assert.deepEqual(differences([old, old], [mine, mine]), []);
  assert.deepEqual(differences([old, old], [mine, other]), ["2 differs"]);
  const now = JSON.stringify(new Date().toISOString());
  assert.deepEqual(differences(['"2026-11-21T03:14:09.947Z"'], [now]), []);
  assert.deepEqual(differences(['"2026-11-21T03:14:09.947Z"'], ['"2026-01-01T00:00:00Z"']), [
    "1 differs",
  ]);
});
