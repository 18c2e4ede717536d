/** Prints differences so that one can find them. */
import type { Difference } from "./compare.ts";

/** What is shown of a long frame: so much before and after the place where it begins to differ. */
const SHOWN = { before: 60, after: 240 };
/** More are counted only. */
const MAX_DIFFERENCES = 40;

export function report(name: string, differences: Difference[]): string {
  const shown = differences.slice(0, MAX_DIFFERENCES).map((one) => print(name, one));
  const more = differences.length - shown.length;
  if (more > 0) shown.push(`and ${more} more`);
  return [`${differences.length} differences from the recording`, ...shown].join("\n\n");
}

function print(name: string, { line, socket, what, expected, got }: Difference): string {
  const place = `tests/realtime/transcripts/${name}:${line}${socket ? ` [${socket}]` : ""} ${what}`;
  const start = expected !== undefined && got !== undefined ? common(expected, got) : 0;
  const cut = (label: string, text?: string) =>
    text === undefined ? [] : [`  ${label} ${excerpt(text, start)}`];
  return [place, ...cut("expected", expected), ...cut("got     ", got)].join("\n");
}

function common(a: string, b: string): number {
  let end = 0;
  while (end < a.length && a[end] === b[end]) end++;
  return end;
}

function excerpt(text: string, place: number): string {
  const start = Math.max(0, Math.min(place, text.length) - SHOWN.before);
  const end = start + SHOWN.before + SHOWN.after;
  return `${start > 0 ? "…" : ""}${text.slice(start, end)}${end < text.length ? "…" : ""}`;
}
