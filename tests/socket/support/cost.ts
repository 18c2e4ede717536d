/**
 * What work on a text costs, in milliseconds: the best of many runs, since a busy machine only adds.
 */
export function costOf(work: (text: string) => void, text: string): number {
  // In one piece, as what arrives is: a text that was put together is copied by its first reader.
  const flat = new TextDecoder().decode(new TextEncoder().encode(text));
  let best = Infinity;
  for (let run = 0; run < 40; run++) {
    const start = performance.now();
    work(flat);
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
