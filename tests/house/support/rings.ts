import type { Graph } from "./imports.ts";

/**
 * The rings of a graph: sets of files of which each reaches each other by imports, or of one that
 * imports itself. A file is in one ring at most.
 */
export function ringsOf(graph: Graph): string[][] {
  const reached = new Map([...graph.keys()].map((path) => [path, reach(graph, path)]));
  return [...reached].flatMap(([path, all]) => {
    const ring = [...all].filter((other) => reached.get(other)?.has(path)).toSorted();
    return ring[0] === path ? [ring] : []; // Else it is told at its first file.
  });
}

/** All that a file imports, and what these import, and so on: itself only if it is in a ring. */
function reach(graph: Graph, path: string): Set<string> {
  const found = new Set<string>();
  const next = [path];
  while (next.length > 0) {
    for (const name of graph.get(next.pop()!) ?? []) {
      if (found.has(name)) continue;
      found.add(name);
      next.push(name);
    }
  }
  return found;
}

/** A ring, file by file: a line for each import that is part of it. */
export function tell(graph: Graph, ring: readonly string[]): string {
  return ring.flatMap((path) =>
    graph.get(path)!.filter((name) => ring.includes(name)).map((name) => `${path} -> ${name}`)
  ).join("\n");
}
