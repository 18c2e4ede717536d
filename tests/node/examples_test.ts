/** The examples of deploy/node say what is so. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { machineEnv } from "../../tools/stack/process.ts";
import { buildNode, NODE_RELAY } from "../../tools/build/node.ts";
import { FLAGS } from "../support/node_host.ts";
import { testOnNode } from "./support/node.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (file: string) => Deno.readTextFileSync(ROOT + file);

const UNIT = read("deploy/node/realtime-relay@.service");
const DOCKERFILE = read("deploy/node/Dockerfile");

/** The words of a JSON array behind this word in the Dockerfile, which may go on in the next line. */
const listAfter = (word: string): string[] =>
  JSON.parse(new RegExp(`${word} (\\[[^\\n]*(?:\\\\\\n[^\\n]*)*\\])`).exec(DOCKERFILE)![1]
    .replace("\\\n", ""));

Deno.test("unit, container and task run Node alike", () => {
  const { serve, build } = JSON.parse(read("deno.json")).tasks;
  assert.equal(serve, `${build} node && ${["node", ...FLAGS, NODE_RELAY].join(" ")}`);
  const [, ...unit] = /^ExecStart=(.+)$/m.exec(UNIT)![1].split(" ");
  const [, ...container] = listAfter("ENTRYPOINT");
  for (const args of [unit, container]) {
    assert.deepEqual(args.slice(0, -1), FLAGS);
    assert.ok(args.at(-1)!.endsWith("/relay.cjs"));
  }
});

Deno.test("what is told to end has longer than a drain takes", () => {
  const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(UNIT)![1]);
  assert.ok(seconds * 1000 > 8_000);
  assert.match(DOCKERFILE, /--stop-timeout 15 /);
});

const passing = { env: { RELAY_PASS: "all" } };
testOnNode("the container's health check tells whether it is well", passing, async ({ relay }) => {
  const [program, ...args] = listAfter("CMD");
  const [, PORT] = relay.address.split(":");
  for (const [port, expected] of [[PORT, 0], ["1", 1]] as const) {
    const env = { ...machineEnv(), PORT: port };
    const { code } = await new Deno.Command(program, { args, clearEnv: true, env }).output();
    assert.equal(code, expected);
  }
});

/** The files of the project that the container's build is given. */
async function copyGiven(to: string): Promise<void> {
  const given = read("deploy/node/Dockerfile.dockerignore").split("\n")
    .filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard", ...given],
    cwd: ROOT,
  }).output();
  for (const file of new TextDecoder().decode(stdout).split("\0").filter(Boolean)) {
    await Deno.mkdir(dirname(join(to, file)), { recursive: true });
    await Deno.copyFile(ROOT + file, join(to, file));
  }
}

Deno.test("the container's build has all that it needs, and makes the same file anywhere", async () => {
  const folder = await Deno.makeTempDir({ prefix: "relay-container-" });
  try {
    await copyGiven(folder);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "build", "node"],
      cwd: folder,
      stdout: "null",
      stderr: "piped",
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const own = await buildNode(`${folder}/own/relay.cjs`);
    assert.equal(await Deno.readTextFile(join(folder, NODE_RELAY)), await Deno.readTextFile(own));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
