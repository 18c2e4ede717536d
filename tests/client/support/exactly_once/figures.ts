import type { Figures } from "./feed.ts";

const COLUMNS: [string, (figures: Figures) => number][] = [
  ["events", ({ expected }) => expected],
  ["arrived", ({ arrived }) => arrived],
  ["lost", ({ expected, arrived }) => expected - arrived],
  ["lost untold", ({ unreported }) => unreported],
  ["gaps told", ({ gaps }) => gaps],
  ["twice", ({ twice }) => twice],
  ["out of order", ({ late }) => late],
  ["untold", ({ untoldLate }) => untoldLate],
  ["errors seen", ({ troubles }) => troubles],
];

/** Prints how often what broke, and what each viewer got of each kind. */
export function printFigures(
  broken: Record<string, number>,
  viewers: { name: string }[],
  figures: Figures[][],
  kinds = ["Postgres Changes", "broadcasts"],
): void {
  const lines = [["", "", ...COLUMNS.map(([title]) => title)]];
  viewers.forEach(({ name }, viewer) =>
    kinds.forEach((kind, i) =>
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
