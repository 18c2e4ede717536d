import { join } from "node:path/posix";
import ts from "typescript";

/** Which of the project's files each of its files imports, both as paths from the project's folder. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/**
 * The names that a source imports, as they are written: types, re-exports and lazy imports count. A
 * name that is put together when the program runs is not seen.
 */
export function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, false).importedFiles.map(({ fileName }) => fileName);
}

/** What the sources import of each other, by path. */
export function graphOf(sources: ReadonlyMap<string, string>): Graph {
  const graph = new Map<string, string[]>();
  for (const [path, text] of sources) {
    const own = importsOf(text).filter((name) => name.startsWith("."));
    graph.set(path, [...new Set(own.map((name) => join(path, "..", name)))]);
  }
  return graph;
}
