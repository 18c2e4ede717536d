/** What the workflows may do, and what a release is made of. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { beforeYouUpgrade } from "../../packages/realtime-relay/init/changelog.ts";
import { ROOT } from "../house/support/tree.ts";

interface Job {
  uses?: string;
  needs?: string;
  permissions?: Record<string, string>;
  steps?: { uses?: string; run?: string; env?: Record<string, string> }[];
}

interface Workflow {
  on: Record<string, { tags?: string[] } | null>;
  permissions: Record<string, string>;
  jobs: Record<string, Job>;
}

const read = (path: string) => Deno.readTextFileSync(ROOT + path);
const workflow = (name: string): Workflow => parse(read(`.github/workflows/${name}.yml`));

const stepsOf = ({ jobs }: Workflow) => Object.values(jobs).flatMap(({ steps = [] }) => steps);

Deno.test("workflows may read the sources, and take actions by their commits", () => {
  const seen = new Map<string, string>();
  for (const name of ["ci", "release"]) {
    const { permissions, jobs } = workflow(name);
    assert.deepEqual(permissions, { contents: "read" });
    for (const [job, { permissions: more }] of Object.entries(jobs)) {
      const wanted = job === "publish" ? { contents: "read", "id-token": "write" } : undefined;
      assert.deepEqual(more, wanted, job);
    }
    for (const { uses } of stepsOf(workflow(name)).filter((step) => step.uses)) {
      const [, action, commit] = /^([\w/-]+)@([0-9a-f]{40})$/.exec(uses!) ?? [];
      assert.ok(commit, `${name}.yml: ${uses}`);
      assert.equal(seen.get(action) ?? commit, commit, action);
      seen.set(action, commit);
    }
  }
});

Deno.test("a tag is published with provenance, once everything was checked", () => {
  const release = workflow("release");
  assert.deepEqual(release.on, { push: { tags: ["v*"] } });
  assert.equal(release.jobs.ci.uses, "./.github/workflows/ci.yml");
  assert.ok("workflow_call" in workflow("ci").on);
  assert.equal(release.jobs.publish.needs, "ci");
  const runs = stepsOf(release).flatMap(({ run }) => run ?? []).join("\n");
  assert.match(runs, /^npm publish --provenance --access public$/m);
  assert.match(runs, /^test "v\$version" = "\$GITHUB_REF_NAME"$/m);
  const withSecret = stepsOf(release).filter((step) => JSON.stringify(step).includes("secrets."));
  assert.equal(withSecret.length, 1, "only the step that publishes has the token");
});

Deno.test("CHANGELOG.md says what to know before an upgrade, in lines that init prints", () => {
  const lines = beforeYouUpgrade(read("CHANGELOG.md"), "0.0.1");
  assert.ok(lines.length > 10);
  for (const line of lines) assert.match(line, /^- [A-Z`].*\.$/);
  for (const subject of ["RELAY_ANONYMOUS", "realtime-relay.v2", "auth.sessions"]) {
    assert.ok(lines.some((line) => line.includes(subject)), subject);
  }
});
