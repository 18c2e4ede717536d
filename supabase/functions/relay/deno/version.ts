/**
 * True for a Deno that answers a subprotocol of a list however that is separated: 2.9 and later. 2.1
 * splits it by ", " and makes the headers immutable. Edge Runtime, which follows 2.1, has a sentence
 * for a version.
 */
export function readsAnyList(version: string): boolean {
  const [major, minor] = version.split(".").map(Number);
  return major > 2 || major === 2 && minor >= 9;
}
