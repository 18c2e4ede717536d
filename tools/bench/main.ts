/** `deno task bench`: the relay beside what else carries WebSockets. What for: docs/BENCHMARKS.md. */
import { describeMachine, loadNow } from "./machine.ts";
import { UsageError } from "../stack/cli/options.ts";
import { parseOptions } from "./options.ts";
import { reportOf } from "./report/report.ts";
import { run } from "./run.ts";
import { textTable } from "./report/table.ts";
import { targetLines } from "./report/targets.ts";
import { writePage } from "./report/page.ts";

async function main(): Promise<void> {
  const options = parseOptions(Deno.args);
  if (Deno.build.os !== "linux") {
    throw new UsageError("The bench needs Linux: it reads what processes take from /proc.");
  }
  const machine = await describeMachine();
  const start = performance.now();
  const measured = await run(options, (text) => {
    console.error(`${((performance.now() - start) / 1000).toFixed(0).padStart(4)} s  ${text} …`);
  });
  machine.load.push(loadNow());
  const report = reportOf(measured, machine);
  if (options.write) await writePage(report);
  if (options.json) return console.log(JSON.stringify(report));
  console.log(textTable(report.rows));
  console.log(["", ...targetLines(report.rows)].join("\n"));
  if (report.absent.length > 0) console.log(`\nNot on this machine: ${report.absent.join(", ")}`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  Deno.exit(2);
}
Deno.exit(0);
