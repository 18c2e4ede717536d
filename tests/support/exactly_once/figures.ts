import type { Figures } from "./feed.ts";
import type { Viewer } from "./viewer.ts";

const COLUMNS: [string, (figures: Figures) => number][] = [
  ["events", ({ expected }) => expected],
  ["arrived", ({ arrived }) => arrived],
  ["lost", ({ expected, arrived }) => expected - arrived],
  ["lost untold", ({ unreported }) => unreported],
  ["gaps told", ({ gaps }) => gaps],
  ["twice", ({ twice }) => twice],
  ["out of order", ({ late }) => late],
  ["errors seen", ({ troubles }) => troubles],
];

/** Prints how often what broke, and what the viewers got: Postgres Changes, then broadcasts. */
export function printFigures(
  broken: Record<string, number>,
  viewers: Viewer[],
  figures: Figures[][],
): void {
  const lines = [["", "", ...COLUMNS.map(([title]) => title)]];
  viewers.forEach(({ name }, viewer) =>
    ["Postgres Changes", "broadcasts"].forEach((kind, i) =>
      lines.push([
        i === 0 ? name : "",
        kind,
        ...COLUMNS.map(([, count]) => String(count(figures[viewer][i]))),
      ])
    )
  );
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const align = (cell: string, i: number) =>
    i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]);
  const faults = Object.entries(broken).map(([what, count]) => `${what} ${count}`).join(", ");
  console.log([faults, ...lines.map((line) => line.map(align).join("  "))].join("\n"));
}
