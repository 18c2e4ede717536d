import type { Row } from "../samples.ts";

/** Three digits are more than a shared machine gives. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return String(Number(value.toPrecision(Math.abs(value) < 1 ? 2 : 3)));
}

/** The scenarios with their rows, in the order in which they were measured. */
function byScenario(rows: readonly Row[]): [scenario: string, rows: Row[]][] {
  return [...Map.groupBy(rows, ({ scenario }) => scenario)];
}

/** Column heads and cells of one scenario. */
function cellsOf(rows: readonly Row[]): string[][] {
  const names = [...new Set(rows.flatMap(({ ratios }) => Object.keys(ratios)))];
  const head = ["", rows[0].unit, "quartiles", ...names.map((name) => `× ${name}`)];
  return [
    head,
    ...rows.map(({ peer, figure: { median, low, high }, ratios }) => [
      peer,
      digits(median),
      `${digits(low)} – ${digits(high)}`,
      ...names.map((name) => name in ratios ? ratios[name].toFixed(2) : ""),
    ]),
  ];
}

/** For a terminal: a block a scenario, in columns. */
export function textTable(rows: readonly Row[]): string {
  return byScenario(rows).map(([scenario, rows]) => {
    const cells = cellsOf(rows);
    const widths = cells[0].map((_, n) => Math.max(...cells.map((row) => row[n].length)));
    const lines = cells.map((row) =>
      row.map((cell, n) => n === 0 ? cell.padEnd(widths[n]) : cell.padStart(widths[n])).join("  ")
    );
    return [scenario, ...lines.map((line) => `  ${line.trimEnd()}`)].join("\n");
  }).join("\n\n");
}

/** For a page: a section a scenario. */
export function markdownTable(rows: readonly Row[]): string {
  return byScenario(rows).map(([scenario, rows]) => {
    const [head, ...body] = cellsOf(rows).map((row) => `| ${row.join(" | ")} |`);
    const rule = `| --- |${" --: |".repeat(cellsOf(rows)[0].length - 1)}`;
    return [`### ${capital(scenario)}`, "", head, rule, ...body].join("\n");
  }).join("\n\n");
}

const capital = (text: string) => text[0].toUpperCase() + text.slice(1);
