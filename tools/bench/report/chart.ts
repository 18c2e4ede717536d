import { digits } from "./table.ts";

/** One bar of a panel. */
export interface Bar {
  label: string;
  value: number;
  /** The quartiles of the rounds. */
  low: number;
  high: number;
  /** Drawn in the colour of what the page is about. */
  ours: boolean;
}

/** One question, and what each peer answers to it. */
export interface Panel {
  title: string;
  unit: string;
  bars: Bar[];
}

const WIDTH = 820;
const LABEL = 250;
const VALUE = 90;
const LINE = 24;
const TITLE = 44;

/** Colours that keep a contrast of 4.5 on white and on GitHub's dark page. */
const STYLE = `
  svg { color-scheme: light dark; }
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .unit, .value { fill: #59636e; }
  .bar { fill: #8c959f; }
  .ours { fill: #0969da; }
  .spread { stroke: #1f2328; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .unit, .value { fill: #9198a1; }
    .bar { fill: #6e7681; }
    .ours { fill: #4493f8; }
    .spread { stroke: #f0f6fc; }
  }
`;

/** Horizontal bars, with a whisker between the quartiles; readable in dark and light. */
export function chart(title: string, panels: readonly Panel[]): string {
  let y = 0;
  const drawn = panels.map((panel) => {
    const group = `<g transform="translate(0 ${y})">${panelOf(panel)}</g>`;
    y += TITLE + panel.bars.length * LINE;
    return group;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 12}" role="img">`,
    `<title>${escape(title)}</title>`,
    `<style>${STYLE}</style>`,
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}

function panelOf({ title, unit, bars }: Panel): string {
  const longest = Math.max(...bars.map(({ value }) => value));
  const room = WIDTH - LABEL - VALUE;
  // A whisker that bad rounds made long ends where the panel does.
  const scale = (value: number) => Math.round(Math.min(value / longest, 1.04) * room * 10) / 10;
  const head = `<text class="title" y="28">${escape(title)}` +
    `<tspan class="unit" font-weight="400" dx="8">${escape(unit)}</tspan></text>`;
  return [head, ...bars.map((bar, n) => barOf(bar, TITLE + n * LINE, scale))].join("\n");
}

function barOf(
  { label, value, low, high, ours }: Bar,
  y: number,
  scale: (value: number) => number,
) {
  const middle = y + LINE / 2 - 2;
  const end = LABEL + Math.max(scale(value), scale(high));
  return [
    `<text x="${LABEL - 10}" y="${middle + 4}" text-anchor="end">${escape(label)}</text>`,
    `<rect class="${ours ? "ours" : "bar"}" x="${LABEL}" y="${y}" width="${scale(value)}" height="${
      LINE - 6
    }" rx="2"/>`,
    `<path class="spread" d="M${LABEL + scale(low)} ${middle}H${LABEL + scale(high)}"/>`,
    `<text class="value" x="${end + 8}" y="${middle + 4}">${digits(value)}</text>`,
  ].join("\n");
}

const ENTITIES: Record<string, string> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" };
const escape = (text: string) => text.replace(/[<>&"]/g, (sign) => ENTITIES[sign]);
