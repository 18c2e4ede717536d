import { fileURLToPath } from "node:url";
import { replaceBlock } from "../../replace_block.ts";
import { capacityTable, costsOf } from "./capacity.ts";
import { type Bar, chart, type Panel } from "./chart.ts";
import type { Report } from "./report.ts";
import type { Row } from "../samples.ts";
import { digits, markdownTable } from "./table.ts";
import { isHeld, targetsOf } from "./targets.ts";

const docs = (name: string) => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));

/** The scenarios of the chart. */
const CHARTED = [
  "text 300 B, 1000 sockets",
  "binary 300 B, 1000 sockets",
  "delivery of text 300 B, 1000 viewers",
  "set-up of a socket",
  "memory of an idle socket, 1000 sockets",
  "memory of a viewer, 1000 viewers",
];

/** Writes the blocks of docs/BENCHMARKS.md, its chart, and the capacity in docs/DEPLOY.md. */
export async function writePage(report: Report): Promise<void> {
  const { rows } = report;
  let page = await Deno.readTextFile(docs("BENCHMARKS.md"));
  const blocks = {
    machine: machineText(report),
    targets: targetTable(rows),
    results: markdownTable(rows),
  };
  for (const [name, text] of Object.entries(blocks)) page = replaceBlock(page, name, text);
  await Deno.writeTextFile(docs("BENCHMARKS.md"), page);
  const title = "CPU and memory of the relay and of other proxies";
  await Deno.writeTextFile(docs("benchmarks.svg"), chart(title, panelsOf(rows)));
  const kinds = ["viewers", "batching", "users"] as const;
  const [shared, batching, own] = kinds.map((kind) => costsOf(rows, kind));
  if (!shared || !batching || !own) return;
  const deploy = await Deno.readTextFile(docs("DEPLOY.md"));
  const table = capacityTable(shared, batching, own);
  await Deno.writeTextFile(docs("DEPLOY.md"), replaceBlock(deploy, "capacity", table));
}

function machineText({ machine, absent, graph }: Report): string {
  const { date, cpu, cores, kernel, deno, load, pinned } = machine;
  const lines = [
    `Measured on ${date}: ${cpu}, ${cores} cores, Linux ${kernel}, bench on Deno ${deno}. ` +
    `Load of the machine before and after: ${load.join(" and ")}. ` +
    (pinned
      ? "Proxies on core 1, the load on core 0."
      : "Without taskset, or with one core: proxies and load share what there is.") +
    (absent.length > 0 ? ` Not on this machine: ${absent.join(", ")}.` : " All peers were there."),
  ];
  if (graph) {
    const { modules, kB, bundledKB } = graph;
    lines.push(
      "",
      `The function is ${modules} modules of ${kB} kB; with its packages, as one minified file, ` +
        `${bundledKB} kB.`,
    );
  }
  return lines.join("\n");
}

export function targetTable(rows: readonly Row[]): string {
  const lines = targetsOf(rows).map((target) => {
    const { what, bound, unit, value } = target;
    const verdict = isHeld(target) ? "held" : "**missed**";
    return `| ${what} | ${`${bound} ${unit}`.trim()} | ${digits(value!)} | ${verdict} |`;
  });
  return ["| | at most | measured | |", "| --- | --: | --: | --- |", ...lines].join("\n");
}

function panelsOf(rows: readonly Row[]): Panel[] {
  return CHARTED.flatMap((title) => {
    const found = rows.filter(({ scenario }) => scenario === title);
    return found.length === 0 ? [] : [{ title, unit: found[0].unit, bars: found.map(barOf) }];
  });
}

function barOf({ peer, figure: { median, low, high } }: Row): Bar {
  return { label: peer, value: median, low, high, ours: peer.startsWith("this relay") };
}
