import assert from "node:assert/strict";
import { type Chapter, chapters } from "./conformance.ts";
import { type ConformanceHost, hosts } from "./support/conformance/hosts.ts";
import { reset, withStage } from "./support/conformance/stage.ts";
import { inTime } from "../support/in_time.ts";

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
  const step = (name: string, proof?: () => Promise<void>) =>
    t.step({ name, ignore: !proof, fn: proof ?? (() => {}), ...sideBySide });
  const held: typeof sentences = {};
  for (const [says, proof] of Object.entries(sentences)) {
    if (host.gaps[says]) await step(`${says} (not here: ${host.gaps[says]})`);
    else held[says] = proof;
  }
  if (Object.keys(held).length === 0) return;
  await withStage(host, environment, async (stage) => {
    for (const [says, proof] of Object.entries(held)) {
      await step(says, () => inTime(proof(reset(stage)), says));
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
