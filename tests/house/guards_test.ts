/** The list of guards that are taken out in turn, held against the tree as it is. */
import assert from "node:assert/strict";
import { countIn, RELAY, testFile } from "../relay/support/hostile/guards/guard.ts";
import { GUARDS } from "../relay/support/hostile/guards/list.ts";
import { files, ROOT } from "./support/tree.ts";

Deno.test("every guard that is taken out in turn stands once in its file", () => {
  for (const guard of GUARDS) {
    const { file, find, replace, sentence } = guard;
    const text = Deno.readTextFileSync(`${ROOT}${RELAY}/${file}`);
    assert.equal(countIn(text, guard), 1, `${file}: ${find}`);
    assert.notEqual(find, replace, sentence);
  }
});

Deno.test("the tests that could notice a guard's absence are there", () => {
  const there = new Set(files("tests"));
  for (const test of GUARDS.flatMap(({ tests }) => tests.map(testFile))) {
    assert.ok(there.has(test), test);
  }
});

Deno.test("guards of each room are on the list, and each sentence once", () => {
  const rooms = new Set(GUARDS.map(({ file }) => file.split("/")[0]));
  for (const room of ["door", "waiting", "hub", "socket", "peer"]) assert.ok(rooms.has(room), room);
  assert.ok(GUARDS.length >= 36, `${GUARDS.length}`);
  assert.equal(new Set(GUARDS.map(({ sentence }) => sentence)).size, GUARDS.length);
});
