import { dirname, relative } from "node:path/posix";
import type { FileRun } from "./log.ts";

/** Files below are left out of the table: most are. In ms. */
const WORTH_TELLING_MS = 1_000;

/** How long each room took and, in it, each file, in two columns, the longest first. */
export function timeTable(files: ReadonlyMap<string, FileRun>): string {
  const rooms = Map.groupBy(files, ([path]) => dirname(path));
  const blocks = [...rooms].map(([room, own]) => {
    const rows = own.map(([path, { ms }]): Row => [`  ${relative(room, path)}`, ms]);
    const total = own.reduce((sum, [, { ms }]) => sum + ms, 0);
    return [[room, total] as Row, ...rows.toSorted(longest)];
  });
  const rows = blocks.toSorted(([a], [b]) => longest(a, b)).flat()
    .filter(([, ms]) => ms >= WORTH_TELLING_MS)
    .map(([name, ms]) => [name, `${Math.round(ms / 1000)} s`]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map(([name, time]) => `${name.padEnd(widths[0])}  ${time.padStart(widths[1])}`)
    .join("\n");
}

type Row = [name: string, ms: number];

const longest = ([, a]: Row, [, b]: Row) => b - a;
