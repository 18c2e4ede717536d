/**
 * True for a Deno that answers a subprotocol of a list however that is separated: 2.9 and later. 2.1
 * splits it by ", " and makes the headers immutable. Edge Runtime, which follows 2.1, has a sentence
 * for a version.
 */
export const readsAnyList = isFrom2_9;

/**
 * True for a Deno that keeps a connection until its client has sent a body that nobody reads: tried on
 * 2.9.6. 2.1.4 closes it behind the answer.
 */
export const keepsUnread = isFrom2_9;

function isFrom2_9(version: string): boolean {
  const [major, minor] = version.split(".").map(Number);
  return major > 2 || major === 2 && minor >= 9;
}
