/** The doctor as one file for Node: what it says there, setups_test.ts compares. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { buildDoctor } from "../../tools/build/doctor.ts";
import { HELP } from "../../tools/doctor/options.ts";
import { withDirectory } from "../support/directory.ts";
import { LONG } from "../support/long.ts";
import { nodeMissing } from "../support/node_version.ts";
import { PUBLISHABLE_KEY } from "../support/tokens.ts";
import { startUpstream } from "../support/upstream.ts";
import { agree } from "./support/agree.ts";
import { withDoctorOnNode } from "./support/on_node.ts";

const sameEachTime = LONG ? ", the same each time" : " (the same each time: a full count)";
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

Deno.test(`the doctor for Node is one file that names no place of this machine${sameEachTime}`, () =>
  withDirectory(async (folder) => {
    const builds = [];
    for (const name of LONG ? ["a", "b"] : ["a"]) {
      builds.push(await Deno.readTextFile(await buildDoctor(`${folder}/${name}/doctor.cjs`)));
    }
    const [code, again = code] = builds;
    assert.equal(code, again);
    for (const place of [ROOT, homedir(), "registry.npmjs.org", folder]) {
      assert.ok(!code.includes(place), place);
    }
    const asked = new Set([...code.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name));
    for (const name of asked) assert.match(name, /^(node:)?\w+(\/\w+)?$|^utf-8-validate$/);
    // Nothing of it is for one runtime alone.
    assert.doesNotMatch(code, /\bDeno\.(?!errors)/);
    // The folder is not there where it runs: the list itself is.
    for (const name of readdirSync(`${ROOT}supabase/migrations`)) {
      assert.ok(code.includes(`"${name.split("_")[0]}"`), name);
    }
    // What checks the form of a report, and takes long to load, is for tests.
    assert.doesNotMatch(code, /\bzod\b/i);
  }));

Deno.test({
  name:
    `the doctor on Node says what it takes, finds names below localhost, and tells what was wrong${nodeMissing}`,
  ignore: nodeMissing !== "",
  fn: () =>
    withDoctorOnNode(async (onNode) => {
      const help = await onNode(["--help"]);
      assert.deepEqual({ ...help }, { code: 0, stdout: `${HELP}\n`, stderr: "" });
      const upstream = startUpstream({ onSocket: agree });
      try {
        const { port } = new URL(upstream.url);
        const args = [`x.localhost:${port}/realtime/v1`, "--key", PUBLISHABLE_KEY];
        const { code, stdout } = await onNode(args);
        assert.equal(code, 0, stdout);
        const hosts = upstream.requests.map((line) => new URL(line.split(" ")[1]).hostname);
        assert.deepEqual([...new Set(hosts)], ["x.localhost"]);
      } finally {
        await upstream.stop();
      }
      const wrong = await onNode(["--wait", "0", "--table", "a.b.c"], { NO_COLOR: "1" });
      assert.equal(wrong.code, 2);
      assert.equal(wrong.stdout, "");
      assert.match(wrong.stderr, /^Give one URL.*\n--table wants.*\n--wait wants seconds.*\n$/);
    }),
});
