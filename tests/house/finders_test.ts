/** The house's finders, on files made up for them: what they are for is told, and nothing else. */
import assert from "node:assert/strict";
import { forbidden, within } from "./support/floors.ts";
import { graphOf, importsOf } from "./support/imports.ts";
import { ringsOf, tell } from "./support/rings.ts";

const made = (files: Record<string, string>) => graphOf(new Map(Object.entries(files)));

Deno.test("an import is one whether of a value, of a type, lazy, or passed on", () => {
  const text = `
    import a, { type B } from "./a.ts";
    import type { C } from "./c.ts";
    import "./d.ts";
    export * from "./e.ts";
    export type { F } from "./f.ts";
    export { g } from "./g.ts";
    const h = await import("./h.ts");
    let i: import("./i.ts").I;
    import * as j from "jose";
    // import "./comment.ts";
    const text = 'import "./text.ts"';
  `;
  const names = "acdefghi".split("").map((name) => `./${name}.ts`);
  assert.deepEqual(importsOf(text).toSorted(), [...names, "jose"]);
});

Deno.test("a circle of imports is told file by file, whatever closes it", () => {
  const closings = [
    'import { a } from "../room/a.ts";',
    'import type { A } from "../room/a.ts";',
    'export * from "../room/a.ts";',
    'export type { A } from "../room/a.ts";',
    'export const a = () => import("../room/a.ts");',
    'export type A = import("../room/a.ts").A;',
  ];
  for (const closing of closings) {
    const graph = made({
      "room/a.ts": 'import "./b.ts"; import "./below.ts";',
      "room/b.ts": 'import "../other/c.ts";',
      "room/below.ts": "",
      "room/above.ts": 'import "./a.ts";',
      "other/c.ts": closing,
    });
    assert.deepEqual(ringsOf(graph), [["other/c.ts", "room/a.ts", "room/b.ts"]], closing);
    assert.equal(
      tell(graph, ringsOf(graph)[0]),
      "other/c.ts -> room/a.ts\nroom/a.ts -> room/b.ts\nroom/b.ts -> other/c.ts",
    );
  }
});

Deno.test("each circle is told by itself, a file that imports itself too; a diamond is none", () => {
  const graph = made({
    "a.ts": 'import "./b.ts"; import "./c.ts";',
    "b.ts": 'import "./a.ts";',
    "c.ts": 'import "./d.ts"; import "./e.ts";',
    "d.ts": 'import "./f.ts";',
    "e.ts": 'import "./f.ts";',
    "f.ts": 'import type { F } from "./f.ts";',
  });
  assert.deepEqual(ringsOf(graph), [["a.ts", "b.ts"], ["f.ts"]]);
});

const floors = {
  ...within("house/", {
    "roof.ts": ["hall/", "ground.ts"],
    "hall/": ["ground.ts"],
    "ground.ts": [],
  }),
  "tests/": [""],
};

Deno.test("an import is told that goes up, out, or to a room beside that has no line", () => {
  const graph = made({
    "house/roof.ts": 'import "./hall/a.ts"; import "./ground.ts";',
    "house/hall/a.ts": 'import "./b.ts"; import type { G } from "../ground.ts";',
    "house/hall/b.ts": 'import type { Roof } from "../roof.ts";',
    "house/ground.ts": 'export { a } from "./hall/a.ts"; import "../tests/t.ts";',
    "tests/t.ts": 'import "../house/roof.ts"; import "../house/hall/b.ts";',
  });
  assert.deepEqual(forbidden(graph, floors), [
    "house/hall/b.ts -> house/roof.ts",
    "house/ground.ts -> house/hall/a.ts",
    "house/ground.ts -> tests/t.ts",
  ]);
});

Deno.test("a file in no room is told: a new room needs its line", () => {
  assert.throws(() => forbidden(made({ "house/attic/a.ts": "" }), floors), /house\/attic\/a\.ts/);
});
