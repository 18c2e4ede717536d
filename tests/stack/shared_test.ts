/** What tests share over their processes: data to start a database from, and where programs are. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withDirectory } from "../support/directory.ts";
import { knownPath } from "../support/shelf.ts";

interface Shelf {
  path: string;
  source: string;
  /** Takes a copy in a process of its own; what it read there, or undefined where it ended before. */
  take(ends?: "ends"): Promise<string[] | undefined>;
  /** How often it was made. */
  made(): number;
}

const withShelf = (work: (shelf: Shelf) => Promise<void>) =>
  withDirectory(async (directory) => {
    const [path, source, made] = ["shelf", "source", "made"].map((name) => join(directory, name));
    await Deno.writeTextFile(source, "one");
    const script = new URL("support/take_copy.ts", import.meta.url).pathname;
    await work({
      ...{ path, source },
      async take(ends) {
        const { success, stdout } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", "--no-check", script, path, source, made, ...(ends ? [ends] : [])],
          stderr: "inherit",
        }).output();
        return success ? new TextDecoder().decode(stdout).trim().split("\n") : undefined;
      },
      made: () => Deno.readTextFileSync(made).trim().split("\n").length,
    });
  });

const WHOLE = ["whole", String(0o600)];

Deno.test("of processes that come at once one makes the template, and all have the whole", () =>
  withShelf(async ({ take, made }) => {
    const copies = await Promise.all([take(), take()]);
    assert.deepEqual(copies, [["one", ...WHOLE], ["one", ...WHOLE]]);
    assert.equal(made(), 1);
  }));

Deno.test("what it is made of has changed, and so has the template", () =>
  withShelf(async ({ take, source, made }) => {
    await take();
    await Deno.writeTextFile(source, "other");
    assert.deepEqual(await take(), ["other", ...WHOLE]);
    assert.equal(made(), 2);
  }));

Deno.test("what was half made when its process ended is nobody's", () =>
  withShelf(async ({ take, made }) => {
    assert.equal(await take("ends"), undefined);
    assert.deepEqual(await take(), ["one", ...WHOLE]);
    assert.equal(made(), 2);
  }));

Deno.test("what nobody has used for days is removed when another is made", () =>
  withShelf(async ({ take, source, path }) => {
    await take();
    const [kept] = namesIn(path);
    await Deno.mkdir(join(path, "cluster-old"));
    const days = Date.now() / 1000 - 3 * 24 * 3600;
    await Deno.utime(join(path, "cluster-old"), days, days);
    await Deno.writeTextFile(source, "other");
    await take();
    const names = namesIn(path);
    assert.ok(names.includes(kept) && !names.includes("cluster-old"), names.join());
  }));

const namesIn = (path: string) => Array.from(Deno.readDirSync(path), ({ name }) => name);

Deno.test("a program is looked for once, and again when it is gone", () =>
  withDirectory(async (directory) => {
    const shelf = join(directory, "shelf");
    const [first, second] = ["first", "second"].map((name) => join(directory, name));
    let asked = 0;
    const where = (path: string | undefined) =>
      knownPath("it", () => Promise.resolve((asked++, path)), shelf);
    assert.equal(await where(undefined), undefined);
    await Deno.writeTextFile(first, "");
    assert.equal(await where(first), first);
    assert.equal(await where(second), first);
    await Deno.remove(first);
    await Deno.writeTextFile(second, "");
    assert.equal(await where(second), second);
    assert.equal(asked, 3);
  }));
