import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { settingNames } from "../supabase/functions/relay/config.ts";
import { generated, replaceBlock } from "../tools/docs.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const read = (page: string) => Deno.readTextFileSync(ROOT + page);

Deno.test("the tables that follow from the source are those of the source: deno task docs", () => {
  for (const [path, block, text] of generated) {
    const page = Deno.readTextFileSync(path);
    assert.equal(page, replaceBlock(page, block, text), path);
  }
});

Deno.test("docs/CONFIGURATION.md describes every variable that the relay reads, and no other", () => {
  const rows = [...read("docs/CONFIGURATION.md").matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) =>
    name
  );
  assert.deepEqual(rows.toSorted(), settingNames.toSorted());
});

Deno.test("every link between the pages leads somewhere", () => {
  const pages = ["README.md", "CONTRIBUTING.md"];
  for (const entry of Deno.readDirSync(`${ROOT}docs`)) {
    if (entry.name.endsWith(".md")) pages.push(`docs/${entry.name}`);
  }
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      const path = new URL(target, `file://${ROOT}${page}`);
      assert.ok(Deno.statSync(path), `${page}: ${target}`);
    }
  }
});
