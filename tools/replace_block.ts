/**
 * The page with `text` between `<!-- begin NAME -->` and `<!-- end NAME -->`. Throws where it has no
 * such markers.
 */
export function replaceBlock(page: string, name: string, text: string): string {
  const block = new RegExp(`(<!-- begin ${name} -->\n)[^]*?(\n<!-- end ${name} -->)`);
  if (!block.test(page)) throw new Error(`The page has no block "${name}".`);
  return page.replace(block, (_, begin, end) => begin + text + end);
}
