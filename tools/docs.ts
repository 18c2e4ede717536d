/**
 * Writes the tables of the documentation that follow from the source: `deno task docs`. Everything
 * between `<!-- begin NAME -->` and `<!-- end NAME -->` is replaced.
 */
import { fileURLToPath } from "node:url";
import { codes, RelayError } from "../supabase/functions/relay/errors.ts";

/** The table of refusals; each code is an anchor that a refusal's `docs` points at. */
export function codeTable(): string {
  const rows = codes.map((code) => {
    const { status, closeCode, advice } = new RelayError(code, "");
    const escaped = advice.replaceAll("<", "&lt;").replaceAll("|", "\\|");
    return `| <a id="${code}"></a>\`${code}\` | ${status} | ${closeCode} | ${escaped} |`;
  });
  return ["| code | HTTP | close | what to do |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** Puts a text between the markers of `name`. Throws where the markers are missing. */
export function replaceBlock(page: string, name: string, text: string): string {
  const block = new RegExp(`(<!-- begin ${name} -->\n)[^]*?(\n<!-- end ${name} -->)`);
  if (!block.test(page)) throw new Error(`The page has no block "${name}".`);
  return page.replace(block, (_, begin, end) => begin + text + end);
}

export const protocolPage = fileURLToPath(new URL("../docs/PROTOCOL.md", import.meta.url));

if (import.meta.main) {
  const page = await Deno.readTextFile(protocolPage);
  await Deno.writeTextFile(protocolPage, replaceBlock(page, "codes", codeTable()));
}
