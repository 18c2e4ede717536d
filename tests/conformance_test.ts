import assert from "node:assert/strict";
import { type Chapter, chapters } from "./conformance.ts";
import { type ConformanceHost, hosts } from "./support/conformance/hosts.ts";
import { reset, withStage } from "./support/conformance/stage.ts";
import { inTime } from "./support/in_time.ts";

/** Chapters run side by side, which Deno allows where it does not look for leaks between them. */
const sideBySide = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

for (const host of hosts) {
  Deno.test({
    name: `${host.name} keeps what the relay promises${host.missing}`,
    ignore: host.missing !== "",
    ...sideBySide,
    async fn(t) {
      await Promise.all(chapters.map((chapter) => prove(host, chapter, t)));
    },
  });
}

async function prove(
  host: ConformanceHost,
  { environment, sentences }: Chapter,
  t: Deno.TestContext,
): Promise<void> {
  await withStage(host, environment, async (stage) => {
    for (const [says, proof] of Object.entries(sentences)) {
      const gap = host.gaps[says];
      await t.step({
        name: gap ? `${says} (not here: ${gap})` : says,
        ignore: gap !== undefined,
        fn: () => inTime(proof(reset(stage)), says),
        ...sideBySide,
      });
    }
    for (const line of stage.output()) {
      assert.doesNotMatch(line, /eyJ|sb_|test-secret|[?&]\w+=/, "the log holds a secret");
    }
  });
}

Deno.test("every gap names a sentence", () => {
  const all = chapters.flatMap(({ sentences }) => Object.keys(sentences));
  for (const { name, gaps } of hosts) {
    for (const says of Object.keys(gaps)) assert.ok(all.includes(says), `${name}: ${says}`);
  }
});
