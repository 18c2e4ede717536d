import assert from "node:assert/strict";
import { join } from "node:path";
import { functionEnv } from "../../../tools/stack/info.ts";
import { signToken } from "../../../tools/stack/keys.ts";
import { serveProjectFunctions } from "../../../tools/stack/functions/project.ts";
import { startGateway } from "../../../tools/stack/gateway/gateway.ts";
import { openProject } from "../../../tools/stack/project/project.ts";
import { withDirectory } from "../../support/directory.ts";
import { LONG } from "../../support/long.ts";
import { KEYS } from "../support/gateway.ts";
import { writeFiles } from "./support/files.ts";

interface Served {
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** The origin, for sockets. */
  url: string;
  supabase: string;
  log: Record<string, unknown>[];
}

/** Runs `work` on a gateway in front of a project's functions. */
const withFunctions = (
  files: Record<string, string>,
  work: (served: Served) => Promise<void>,
  links: Record<string, string> = {},
) =>
  withDirectory(async (directory) => {
    const supabase = join(await Deno.realPath(directory), "supabase");
    await writeFiles(supabase, { "config.toml": "", ...files });
    for (const [path, target] of Object.entries(links)) {
      await Deno.symlink(target, join(supabase, path));
    }
    const project = openProject({ directory });
    const log: Served["log"] = [];
    const served = serveProjectFunctions({
      ...{ sources: project.functions, directory: project.directory },
      envOf: (name) => ({ SUPABASE_URL: "http://project", NAME: name, ...project.env() }),
      log: (line) => log.push(line),
    });
    const targets = { functions: served.functions };
    const gateway = await startGateway({ port: 0, keys: KEYS, targets });
    const ask = (path: string, init?: RequestInit) =>
      fetch(`${gateway.url}/functions/v1/${path}`, init);
    try {
      await work({ ask, url: gateway.url, supabase, log });
    } finally {
      await gateway.stop();
      await served.stop();
    }
  });

const STACK = new URL("../../../tools/stack/", import.meta.url);
const PRELOADED = ["functions/end_with_parent.ts", "functions/edge_runtime.ts"];
/** Says what it knows of the stack. */
const ENDLESS = "Deno.serve(() => new Response(String(Deno.env.get('REALTIME_RELAY_STACK_PID'))));";

const OPEN = "[functions.hello]\nverify_jwt = false\n";

Deno.test("a function is served with its own deno.json, .env, and the port that the stack gives", () =>
  withFunctions({
    "config.toml": OPEN,
    "functions/.env": "GREETING=hello",
    "functions/hello/deno.json": '{ "imports": { "words": "./words.ts" } }',
    "functions/hello/words.ts": "export const words = (a: string, b: string) => `${a} ${b}`;",
    "functions/hello/index.ts": `
      import { words } from "words";
      import { name } from "../_shared/name.ts";
      Deno.serve({ port: 8000, onListen: () => console.log("mine") }, async (request) => {
        EdgeRuntime.waitUntil(Promise.resolve());
        const body = words(Deno.env.get("GREETING")!, name) + await request.text();
        return new Response(body + new URL(request.url).pathname);
      });`,
    "functions/_shared/name.ts": "export const name = Deno.env.get('NAME');",
  }, async ({ ask, log }) => {
    const [one, two] = await Promise.all([
      ask("hello/deep?x", { method: "POST", body: "!" }),
      ask("hello"),
    ]);
    assert.equal(await one.text(), "hello hello!/hello/deep");
    assert.equal(await two.text(), "hello hello/hello");
    assert.deepEqual(log, []);
    assert.equal((await ask("none")).status, 404);
    assert.equal((await ask("redirect/x")).status, 404);
  }));

Deno.test("a function finds every variable that the platform sets for all", () => {
  const { function: env } = functionEnv("http://project", KEYS, "postgresql://project");
  assert.deepEqual(Object.keys(env).sort(), [
    ...["SUPABASE_ANON_KEY", "SUPABASE_DB_URL", "SUPABASE_JWKS", "SUPABASE_PUBLISHABLE_KEYS"],
    ...["SUPABASE_SECRET_KEYS", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_URL"],
  ]);
  assert.deepEqual(JSON.parse(env.SUPABASE_JWKS), { keys: [] });
});

Deno.test("Deno.serve() is understood in all of its forms", () =>
  withFunctions({
    "config.toml": ["a", "b", "c"].map((name) => `[functions.${name}]\nverify_jwt = false`)
      .join("\n"),
    "functions/a/index.ts": "Deno.serve(() => new Response('a'));",
    "functions/b/index.js": "Deno.serve({ handler: () => new Response('b'), port: 1 });",
    "functions/c/index.ts": "Deno.serve(() => new Response('c'), { port: 1 } as never);",
  }, async ({ ask }) => {
    for (const name of "abc") assert.equal(await (await ask(name)).text(), name);
  }));

Deno.test("a module that exports its fetch() is served by it, unless it serves itself", () =>
  withFunctions({
    "config.toml": ["plain", "late", "both"]
      .map((name) => `[functions.${name}]\nverify_jwt = false\n`).join(""),
    "functions/plain/index.ts": `export default {
      words: "plain",
      fetch(request: Request) {
        return new Response(this.words + new URL(request.url).pathname + import.meta.main);
      },
    };`,
    "functions/late/index.ts": `const word = await Promise.resolve("late");
      export default { fetch: () => new Response(word) };`,
    "functions/both/index.ts": `Deno.serve(() => new Response("by itself"));
      export default { fetch: () => new Response("by its export") };`,
  }, async ({ ask, log }) => {
    assert.equal(await (await ask("plain/x")).text(), "plain/plain/xtrue");
    assert.equal(await (await ask("late")).text(), "late");
    assert.equal(await (await ask("both")).text(), "by itself");
    assert.deepEqual(log, []);
  }));

Deno.test("serve() of the older standard library, which listens by itself, is understood too", () =>
  withFunctions({
    "config.toml": OPEN,
    "functions/hello/index.ts": `
      for await (const connection of Deno.listen({ port: 8000, hostname: "0.0.0.0" })) {
        (async () => {
          for await (const event of Deno.serveHttp(connection)) {
            event.respondWith(new Response("hello " + new URL(event.request.url).pathname));
          }
        })();
      }`,
  }, async ({ ask }) => {
    assert.equal(await (await ask("hello/a")).text(), "hello /hello/a");
  }));

Deno.test("verify_jwt: whoever has no token of the project is refused, unless config.toml says so", () =>
  withFunctions({
    "functions/closed/index.ts": "Deno.serve((r) => new Response(r.method));",
  }, async ({ ask }) => {
    const asked = async (authorization?: string, method = "GET") => {
      const answer = await ask("closed", {
        method,
        headers: authorization ? { authorization } : {},
      });
      return [answer.status, (await answer.text()).match(/UNAUTHORIZED_\w+|GET|OPTIONS/)?.[0]];
    };
    const good = await signToken(KEYS.jwtSecret, { role: "anon" }, 60);
    const old = await signToken(KEYS.jwtSecret, { role: "anon" }, -60);
    const foreign = await signToken("another secret of the same length", { role: "anon" }, 60);
    assert.deepEqual(await asked(), [401, "UNAUTHORIZED_NO_AUTH_HEADER"]);
    for (const token of [old, foreign, KEYS.publishableKey, "x"]) {
      assert.deepEqual(await asked(`Bearer ${token}`), [401, "UNAUTHORIZED_INVALID_JWT_FORMAT"]);
    }
    assert.deepEqual(await asked(`Bearer ${good}`), [200, "GET"]);
    assert.deepEqual(await asked(undefined, "OPTIONS"), [200, "OPTIONS"]);
  }));

Deno.test("a function starts and stays also where the stack lies in node_modules", () =>
  withDirectory(async (directory) => {
    const stack = join(directory, "node_modules/realtime-relay/stack");
    for (
      const file of ["lines.ts", "log.ts", "process.ts", "functions/functions.ts", ...PRELOADED]
    ) {
      const text = await Deno.readTextFile(new URL(file, STACK));
      await writeFiles(stack, { [file]: text });
    }
    const entry = join(directory, "index.ts");
    await writeFiles(directory, { "index.ts": ENDLESS });
    const { startRunnable }: typeof import("../../../tools/stack/functions/functions.ts") =
      await import(`file://${stack}/functions/functions.ts`);
    const runtime = `file://${stack}/functions/edge_runtime.ts`;
    const options = ["--allow-net", "--allow-env", "--no-config", "--preload", runtime];
    const running = await startRunnable({ name: "here", entry, options }, {});
    assert.equal(await (await fetch(running.url)).text(), "undefined");
    await running.stop();
  }));

Deno.test("a function may take WebSockets", () =>
  withFunctions({
    "config.toml": OPEN,
    "functions/hello/index.ts": `Deno.serve((request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = ({ data }) => socket.send("you said " + data);
      return response;
    });`,
  }, async ({ url }) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/functions/v1/hello`);
    const said = await new Promise((resolve, reject) => {
      socket.onerror = reject;
      socket.onmessage = ({ data }) => resolve(data);
      socket.onopen = () => socket.send("hi");
    });
    assert.equal(said, "you said hi");
    socket.close();
  }));

Deno.test("a function that does not start is told, harms no other, and starts once it is mended", () =>
  withFunctions({
    "config.toml": `${OPEN}[functions.broken]\nverify_jwt = false\n`,
    "functions/hello/index.ts": "Deno.serve(() => new Response('hello'));",
    "functions/broken/index.ts": 'throw new Error("not today");',
  }, async ({ ask, log, supabase }) => {
    const broken = await ask("broken");
    assert.equal(broken.status, 503);
    assert.equal((await broken.json()).code, "BOOT_ERROR");
    assert.ok(log.some(({ message }) => String(message).includes("not today")));
    assert.equal(await (await ask("hello")).text(), "hello");
    await writeFiles(supabase, {
      "functions/broken/index.ts": "Deno.serve(() => new Response('mended'));",
    });
    assert.equal(await (await ask("broken")).text(), "mended");
  }));

Deno.test({
  name:
    "a function whose files change, or what it shares, is begun anew; so after a crash (long form)",
  ignore: !LONG,
  fn: () =>
    withFunctions({
      "config.toml": OPEN,
      "functions/_shared/word.ts": "export const word = 'one';",
      "functions/hello/index.ts": `import { word } from "../_shared/word.ts";
      Deno.serve(({ url }) => {
        if (url.endsWith("crash")) setTimeout(() => Deno.exit(3));
        return new Response(word);
      });`,
    }, async ({ ask, log, supabase }) => {
      assert.equal(await (await ask("hello")).text(), "one");
      await writeFiles(supabase, { "functions/_shared/word.ts": "export const word = 'two';" });
      // The new one is there once the old one was seen to change.
      while (await (await ask("hello")).text() !== "two");
      await (await ask("hello/crash")).body?.cancel();
      while (!log.some(({ event }) => event === "ended")) await new Promise(setImmediate);
      assert.equal(await (await ask("hello")).text(), "two");
    }),
});

Deno.test("a function whose folder is a link runs, and is begun anew when files behind it change", () =>
  withFunctions(
    {
      "config.toml": OPEN,
      "functions/other/index.ts": "",
      "../elsewhere/hello/index.ts": "Deno.serve(() => new Response('one'));",
    },
    async ({ ask, supabase }) => {
      assert.equal(await (await ask("hello")).text(), "one");
      const changed = { "../elsewhere/hello/index.ts": "Deno.serve(() => new Response('two'));" };
      await writeFiles(supabase, changed);
      while (await (await ask("hello")).text() !== "two");
    },
    { "functions/hello": "../../elsewhere/hello" },
  ));
