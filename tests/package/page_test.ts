/** docs/PACKAGE.md says what the package does: its own lines, run. */
import assert from "node:assert/strict";
import { TABLE } from "../../packages/realtime-relay/init/config/open.ts";
import { VERSION } from "../../supabase/functions/relay/say/version.ts";
import { ROOT } from "../house/support/tree.ts";
import { withDirectory } from "../support/directory.ts";
import { inTime } from "../support/in_time.ts";
import { LONG } from "../support/long.ts";
import { nodeMissing } from "../support/node_version.ts";
import { withPackage } from "./support/built.ts";
import { run } from "./support/run.ts";
import { put } from "./support/light.ts";
import { inProject } from "./support/project.ts";
import { type Command, notSaid, readTranscript } from "./support/transcript.ts";

const page = Deno.readTextFileSync(`${ROOT}docs/PACKAGE.md`);
const readme = Deno.readTextFileSync(`${ROOT}README.md`);

Deno.test("the page shows what init says and writes", () =>
  inProject({
    "supabase/config.toml": 'project_id = "app"\n',
    "package.json": '{ "dependencies": { "@supabase/supabase-js": "^2.57.0" } }',
  }, async (stage) => {
    const { text } = await stage.init();
    const [, shown] = /```\n\$ npx realtime-relay init\n([^]*?)\n```/.exec(page)!;
    assert.equal(text.replace("FOLDER", "/home/me/app"), shown);
    assert.ok(page.includes("```toml\n" + TABLE.join("\n") + "\n```"));
    const [, door] = /^npx realtime-relay init\n```\n\n```\n([^]*?)\n```/m.exec(readme)!;
    const said = text.replace("FOLDER", "/home/me/app").split("\n");
    assert.equal(notSaid(door.split("\n"), said), undefined);
  }));

Deno.test("the pages name the tarball of this version", () => {
  for (const text of [page, readme]) {
    const named = [...text.matchAll(/realtime-relay-(\d[\w.]*)\.tgz/g)].map(([, it]) => it);
    assert.deepEqual([...new Set(named)], [VERSION]);
  }
});

const ignored = LONG ? nodeMissing : " (ignored: a full count)";

Deno.test({
  name: `from an empty folder to an INSERT through the relay, as the page has it${ignored}`,
  ignore: ignored !== "",
  fn: () =>
    withPackage(({ home }) =>
      withDirectory(async (place) => {
        assert.equal((await run("npm", ["pack", home], place)).code, 0);
        const folder = `${place}/app`;
        await Deno.mkdir(folder);
        await using stack = new Stack(folder);
        for (const part of readTranscript(page, "From an empty folder")) {
          if ("file" in part) await put(`${folder}/${part.file}`, part.text);
          else for (const command of part.commands) await replay(command, folder, stack);
        }
      })
    ),
});

/** Runs a command, and holds what it says against the page. */
async function replay({ command, says }: Command, folder: string, stack: Stack): Promise<void> {
  const wanted = says.map((line) => line.replace("/home/me/app", folder));
  if (command.startsWith("npx realtime-relay dev")) {
    return await inTime(stack.start(command, wanted), command, 300_000);
  }
  const real = command.replace("path/to/", "../")
    .replace(/http:\S+/, stack.found("API URL")).replace(/sb_\S+/, stack.found("Publishable key"));
  const { out, err } = await inTime(run("sh", ["-c", real], folder), command, 120_000);
  assert.equal(notSaid(wanted, out.split("\n")), undefined, `${command}\n${out}${err}`);
}

/** The stack of the page, in a process of its own: npm's, which is all that a terminal would know. */
class Stack {
  #child: Deno.ChildProcess | undefined;
  #said: string[] = [];
  #over: Promise<unknown> = Promise.resolve();
  constructor(readonly folder: string) {}

  /** Resolves once it has said all these lines; throws what it said where it ends before. */
  async start(command: string, wanted: string[]): Promise<void> {
    const [program, ...args] = command.split(" ");
    const child = new Deno.Command(program, {
      args,
      cwd: this.folder,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    const read = async (stream: ReadableStream<Uint8Array>) => {
      let text = "";
      for await (const part of stream.pipeThrough(new TextDecoderStream())) {
        text += part;
        const lines = text.split("\n");
        text = lines.pop()!;
        this.#said.push(...lines);
        if (notSaid(wanted, this.#said) === undefined) ready.resolve();
      }
    };
    this.#over = Promise.all([read(child.stdout), read(child.stderr)]);
    this.#over.then(() => ready.reject(new Error(this.#said.join("\n"))));
    await ready.promise;
  }

  /** What stands behind a name in what it said; the name itself before it said so. */
  found(name: string): string {
    const line = this.#said.find((line) => line.trimStart().startsWith(`${name}: `));
    return line?.split(": ")[1] ?? name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#child) return;
    this.#child.kill("SIGTERM");
    await this.#child.status;
    // npm ends at once; what it began notices that, and lets go of its output when it has ended.
    await inTime(this.#over, "the stack goes on although its npm has ended", 30_000);
  }
}
