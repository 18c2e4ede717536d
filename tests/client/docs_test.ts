/** docs/CLIENT.md says what the sources do: each promise, each state, each word. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { files } from "../house/support/tree.ts";
import { INVARIANTS } from "./support/world/judge/invariants.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(fileURLToPath(new URL(path, ROOT)));
const page = read("docs/CLIENT.md");
const [, guarantees] = /## What is guaranteed\n(.*?)\n## /s.exec(page)!;

Deno.test("each promise that the simulated world holds the client to is in the page, and no other", () => {
  const named = [...guarantees.matchAll(/\[([\w, ]+)\](?!\()/g)].flatMap(([, names]) =>
    names.split(", ")
  );
  assert.deepEqual([...new Set(["told", ...named])].sort(), Object.keys(INVARIANTS).sort());
});

Deno.test("each cell of what is guaranteed names the promise that holds it", () => {
  const rows = guarantees.split("\n").filter((line) => /^\| [^-|]/.test(line));
  assert.ok(rows.length > 15);
  for (const row of rows.filter((row) => !row.startsWith("| at every moment"))) {
    for (const cell of row.split("|").slice(2, -1)) assert.match(cell, /\[\w+/, row);
  }
});

Deno.test("each state of the status, and of a channel, is a row", () => {
  const states = [...read("client/status.ts").matchAll(/^ +\* - `([\w ]+)`/gm)];
  assert.ok(states.length > 9);
  for (const [, state] of states) assert.ok(page.includes(`\n| \`${state}\` |`), state);
});

/** Sentences of the client's own that a person may see: up to the first part that varies. */
function words(path: string): string[] {
  const texts = read(path).matchAll(/"((?:[a-z]+_?[a-z]+: )?[A-Z][^"]*? [^"]*)"|`([A-Z][^`]*)`/g);
  return [...texts].map(([, text, template]) => (text ?? template).split(/[:$]/)[0].trim());
}

Deno.test("each reason that the client gives is told in the page", () => {
  const sentences = ["carrier", "session"].flatMap((room) => files(`client/${room}`)).flatMap(words)
    .filter((text) => text.length > 3 && !NOT_SHOWN.test(text));
  assert.ok(sentences.length > 15, sentences.join("\n"));
  for (const sentence of sentences) assert.ok(page.includes(sentence), sentence);
});

/** A second half of a sentence, and what a programmer is told. */
const NOT_SHOWN = /^Content-Security-Policy|^The relay's URL must/;
