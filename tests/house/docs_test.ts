import assert from "node:assert/strict";
import { basename, dirname } from "node:path/posix";
import { settingNames } from "../../supabase/functions/relay/config/config.ts";
import type { Setting } from "../../supabase/functions/relay/config/setting.ts";
import { SETTINGS } from "../../supabase/functions/relay/config/settings.ts";
import { describe } from "../../tools/doctor/findings/mod.ts";
import { generated, written } from "../../tools/docs.ts";
import { replaceBlock } from "../../tools/replace_block.ts";
import { files, ROOT } from "./support/tree.ts";

const read = (page: string) => Deno.readTextFileSync(ROOT + page);

Deno.test("the tables that follow from the source are those of the source: deno task docs", () => {
  for (const [path, block, text] of generated) {
    const page = Deno.readTextFileSync(path);
    assert.equal(page, replaceBlock(page, block, text), path);
  }
  for (const [path, text] of written) assert.equal(Deno.readTextFileSync(path), text, path);
});

Deno.test("docs/CONFIGURATION.md describes every variable that the relay reads, and no other", () => {
  const rows = [...read("docs/CONFIGURATION.md").matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) =>
    name
  );
  assert.deepEqual(rows.toSorted(), settingNames.toSorted());
});

Deno.test("docs/CONFIGURATION.md gives each number's default and bounds as the relay has them", () => {
  const page = read("docs/CONFIGURATION.md");
  let bounded = 0;
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const [, from, to] = /from (\d+) to (\d+)$/.exec(setting.wants ?? "") ?? [];
    // Of a port everybody knows them.
    if (from === undefined || name === "PORT") continue;
    const initial = setting.initial() ?? "[^|]+";
    assert.match(page, new RegExp(`^\\| \`${name}\` \\| ${initial} \\| ${from}, ${to} \\|`, "m"));
    bounded++;
  }
  assert.ok(bounded > 15);
});

/** Where a link into this page may lead: its headings, as GitHub names them, and what has an id. */
function anchorsOf(text: string): Set<string> {
  const plain = text.replaceAll(/^```.*?^```/gms, "");
  const headings = [...plain.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-")
  );
  return new Set([...headings, ...[...text.matchAll(/<a id="([^"]+)"/g)].map(([, id]) => id)]);
}

Deno.test("every link between the pages leads somewhere, to a heading too", () => {
  const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
  for (const entry of Deno.readDirSync(`${ROOT}docs`)) {
    if (entry.name.endsWith(".md")) pages.push(`docs/${entry.name}`);
  }
  for (const page of pages) {
    for (const [, target, anchor] of read(page).matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)/g)) {
      const path = target ? new URL(target, `file://${ROOT}${page}`) : ROOT + page;
      assert.ok(Deno.statSync(path), `${page}: ${target}`);
      if (!anchor) continue;
      assert.ok(anchorsOf(Deno.readTextFileSync(path)).has(anchor), `${page}: ${target}#${anchor}`);
    }
  }
});

Deno.test("CONTRIBUTING.md draws each room of the sources", () => {
  const [, tree] = read("CONTRIBUTING.md").split("```\n");
  for (
    const folder of new Set(
      ["client", "packages", "site", "supabase/functions", "tools"].flatMap(files).map(dirname),
    )
  ) {
    assert.match(tree, new RegExp(`\\b${basename(folder)}/`), folder);
  }
});

Deno.test("every test that a page names is there", () => {
  for (const page of ["README.md", "CONTRIBUTING.md", ...files("docs")]) {
    if (!page.endsWith(".md")) continue;
    for (const [path] of read(page).matchAll(/\btests\/[\w/]+(?:_test\.ts|\/(?=`))/g)) {
      assert.ok(Deno.statSync(ROOT + path), `${page}: ${path}`);
    }
  }
});

Deno.test("whoever is told to push migrations to a project is not sent to the local database", () => {
  // Since CLI 3.0.0 a bare `supabase db push` means the local one.
  for (const page of ["README.md", "docs/DEPLOY.md", "docs/SITE.md", "docs/TROUBLESHOOTING.md"]) {
    const told = read(page).split("\n").filter((line) => /supabase db push/.test(line));
    const commands = told.filter((line) => !line.includes("by the real `supabase db push`"));
    assert.ok(commands.length > 0, page);
    for (const line of commands) assert.match(line, /supabase db push --linked/, page);
  }
  assert.match(describe("migrations_missing").settings!, /^supabase db push --linked$/);
});

/** What people are told to write, or to hand on, of variables with secrets: `.env`, `relay.env`. */
const ENV_FILE = /(?<![\w/$}.-])(?:[\w-]+\/)*[\w-]*\.(?:env|dev\.vars)\b(?:\.\w+)*/g;

Deno.test("git tracks no file that people are told to put secrets into", async () => {
  const pages = ["README.md", "CONTRIBUTING.md", ...files("docs"), ...files("deploy")];
  const named = pages.flatMap((page) => {
    const text = read(page).replace(/\w+\.env\.\w+/g, ""); // Deno.env.get, process.env.PORT.
    return [...text.matchAll(ENV_FILE)].map(([path]) => path);
  });
  for (const known of ["supabase/functions/.env.local", "relay.env", ".env"]) {
    assert.ok(named.includes(known), `nothing names ${known} any more`);
  }
  // Where the CLI and wrangler look by themselves, and where the local stack keeps its keys.
  const own = ["supabase/functions/relay/.env", "deploy/cloudflare/.dev.vars", ".data/keys.json"];
  for (const path of new Set([...named, ...own])) {
    const git = new Deno.Command("git", { args: ["check-ignore", "-q", path], cwd: ROOT });
    assert.equal((await git.output()).code, 0, path);
  }
});
