/**
 * Writes the tables of the documentation that follow from the source: `deno task docs`. Everything
 * between `<!-- begin NAME -->` and `<!-- end NAME -->` is replaced.
 */
import { fileURLToPath } from "node:url";
import { codes, RelayError } from "../supabase/functions/relay/errors.ts";
import { schemaText } from "./doctor/report/schema.ts";
import { AREAS, describe, findingIds } from "./doctor/findings/mod.ts";
import { DEVIATIONS } from "../tests/realtime/support/transcript/deviations.ts";
import { replaceBlock } from "./replace_block.ts";

/** The table of refusals; each code is an anchor that a refusal's `docs` points at. */
function codeTable(): string {
  const rows = codes.map((code) => {
    const { status, closeCode, advice } = new RelayError(code, "");
    const escaped = advice.replaceAll("<", "&lt;").replaceAll("|", "\\|");
    return `| <a id="${code}"></a>\`${code}\` | ${status} | ${closeCode} | ${escaped} |`;
  });
  return ["| code | HTTP | close | what to do |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** What the local Realtime does otherwise than the recordings. */
function deviationTable(): string {
  const rows = DEVIATIONS.map(({ conversation, reason }) => `| ${conversation} | ${reason} |`);
  return ["| conversation | what, and why |", "| --- | --- |", ...new Set(rows)].join("\n");
}

/** A section for each thing that the doctor can find; its id is the heading, so links hold. */
function findingSections(): string {
  const sections = AREAS.map((area) => {
    const own = findingIds.map((id) => ({ id, ...describe(id) })).filter((it) => it.area === area);
    const entries = own.map(({ id, severity, says, fix }) =>
      `#### ${id}\n\n${severity === "warning" ? "A warning. " : ""}${says}\n\n${fix}`
    );
    return [`### In the area ${area}`, ...entries].join("\n\n");
  });
  return sections.join("\n\n");
}

const page = (name: string) => fileURLToPath(new URL(`../docs/${name}`, import.meta.url));

/** The pages with such tables: a file, the name of its block, and what belongs there. */
export const generated: [path: string, block: string, text: string][] = [
  [page("PROTOCOL.md"), "codes", codeTable()],
  [page("LOCAL_STACK.md"), "deviations", deviationTable()],
  [page("TROUBLESHOOTING.md"), "findings", findingSections()],
];

/** Files that follow from the source as a whole. */
export const written: [path: string, text: string][] = [[page("doctor.schema.json"), schemaText()]];

if (import.meta.main) {
  for (const [path, text] of written) await Deno.writeTextFile(path, text);
  for (const [path, block, text] of generated) {
    await Deno.writeTextFile(path, replaceBlock(await Deno.readTextFile(path), block, text));
  }
}
