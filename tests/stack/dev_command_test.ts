import assert from "node:assert/strict";
import { run, runWith } from "../support/dev.ts";
import { withDirectory } from "../support/directory.ts";
import { withStackData } from "../support/stack.ts";
import { childOf, childSoon, processEnd } from "./support/processes.ts";
import { onlyLong } from "../support/long.ts";

Deno.test({
  ...onlyLong("deno task dev stops when whoever launched it is killed"),
  fn: () =>
    withStackData(async (directory) => {
      const task = run("task", "dev", "--port", "0", "--data", directory, "--json");
      assert.ok(await task.line());
      const main = await childOf(task.pid, /main\.ts/);
      const relay = await childOf(main, /functions\/relay/);
      task.signal("SIGKILL");
      await processEnd(main);
      await processEnd(relay);
    }),
});

Deno.test({
  ...onlyLong("deno task dev can be stopped while it starts"),
  fn: () =>
    withDirectory(async (directory) => {
      const command = run("run", "-A", "tools/stack/main.ts", "--port", "0", "--data", directory);
      let ended = false;
      command.exited.then(() => ended = true);
      while (!command.stderr.some((line) => line.includes("applying"))) {
        assert.ok(!ended, command.stderr.join("\n"));
        await new Promise((wake) => setTimeout(wake, 20));
      }
      const server = await childOf(command.pid, /\/postgres -D /);
      const cli = await childSoon(command.pid, / db push /);
      command.signal("SIGINT");
      assert.equal(await command.exited, 0);
      assert.deepEqual(command.stdout, []);
      await processEnd(server);
      await processEnd(cli);
    }),
});

Deno.test("deno task dev does not wait for the Supabase CLI when it is stopped", () =>
  withDirectory(async (directory) => {
    // Like npx, it has its work done by a child; and it would go on without a database.
    const script = `#!/bin/sh\n[ "$1" = --version ] && echo 3.1.0 && exit\nsleep 60 & wait\n`;
    await Deno.writeTextFile(`${directory}/supabase`, script, { mode: 0o755 });
    const env = { PATH: `${directory}:${Deno.env.get("PATH")}` };
    const args = ["--port", "0", "--data", `${directory}/data`];
    const command = runWith(env, "run", "-A", "tools/stack/main.ts", ...args);
    const cli = await childSoon(command.pid, / db push /);
    const worker = await childSoon(cli, /^sleep /);
    command.signal("SIGINT");
    assert.equal(await command.exited, 0);
    await processEnd(cli);
    await processEnd(worker);
  }));

Deno.test("without --json, what is ready is a table for people", () =>
  withStackData(async (directory) => {
    const command = run("run", "-A", "tools/stack/main.ts", "--port", "0", "--data", directory);
    while (!(await command.line())!.includes("Try: curl"));
    const labels = ["API URL", "Relay URL", "DB URL", "Publishable key", "Secret key", "anon key"];
    for (const label of [...labels, "service_role key", "JWT secret", "Users", "Data"]) {
      assert.ok(command.stdout.some((line) => line.trimStart().startsWith(`${label}: `)), label);
    }
    assert.equal(new Set(command.stdout.map((line) => line.indexOf(": "))).size, 1, "aligned");
    command.signal("SIGTERM");
    assert.equal(await command.exited, 0);
  }));

Deno.test("a taken port is one sentence with the way out, and nothing was started", () =>
  withDirectory(async (directory) => {
    const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const port = String(taken.addr.port);
    const command = run("run", "-A", "tools/stack/main.ts", "--port", port, "--data", directory);
    assert.equal(await command.exited, 1);
    assert.deepEqual(command.stdout, []);
    assert.deepEqual(command.stderr, [
      `Port ${port} is taken: stop what listens there, or choose another --port.`,
    ]);
    taken.close();
  }));

Deno.test("a mistake on the command line is one sentence and exit code 2", async () => {
  const cases: [string, string[], RegExp][] = [
    ["main.ts", ["--prot", "1"], /^There is no option --prot: --help lists what there is\.$/],
    ["main.ts", ["start"], /^Nothing can be done with "start"/],
    ["main.ts", ["--port"], /^The option --port is used the wrong way/],
    ["main.ts", ["--port", "http"], /^--port wants a number from 0 to 65535, not "http"\.$/],
    ["main.ts", ["--port", "70000"], /^--port wants a number/],
    ["token.ts", ["--role", "postgres"], /^--role wants anon, authenticated or service_role/],
    ["token.ts", ["--sub", "alice"], /^--sub wants a UUID/],
    ["token.ts", ["--expires", "soon"], /^--expires wants a time such as 90s/],
  ];
  await Promise.all(cases.map(async ([script, args, sentence]) => {
    const command = run("run", "-A", `tools/stack/${script}`, ...args);
    assert.equal(await command.exited, 2, args.join(" "));
    assert.deepEqual(command.stdout, []);
    assert.equal(command.stderr.length, 1, command.stderr.join("\n"));
    assert.match(command.stderr[0], sentence);
  }));
});

Deno.test("--help says what there is, and a token needs a stack", async () => {
  for (const script of ["main.ts", "token.ts"]) {
    const command = run("run", "-A", `tools/stack/${script}`, "--help");
    assert.equal(await command.exited, 0);
    assert.match(command.stdout.join("\n"), /deno task (dev|token) \[options\]/);
  }
  const token = run("run", "-A", "tools/stack/token.ts", "--data", "/nonexistent");
  assert.equal(await token.exited, 1);
  assert.match(token.stderr[0], /^There is no stack in \/nonexistent: run `deno task dev` once/);
});
