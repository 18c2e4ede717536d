import assert from "node:assert/strict";
import { capacityTable, changesFor } from "../../tools/bench/report/capacity.ts";
import { chart, type Panel } from "../../tools/bench/report/chart.ts";
import { frame, FrameReader, TEXT } from "../../tools/bench/load/frames.ts";
import { parseOptions, SCENARIOS } from "../../tools/bench/options.ts";
import { targetTable } from "../../tools/bench/report/page.ts";
import { type Row, Samples } from "../../tools/bench/samples.ts";
import { figureOf, median, quantile } from "../../tools/bench/statistics.ts";
import { SERVERS } from "../../tools/bench/peers/servers.ts";
import { digits, markdownTable, textTable } from "../../tools/bench/report/table.ts";
import { isHeld, targetLines, targetsOf } from "../../tools/bench/report/targets.ts";
import { UsageError } from "../../tools/stack/cli/options.ts";

Deno.test("a wrong argument of the bench is named, with what is wanted", () => {
  const refusals: [string[], RegExp][] = [
    [["--fast"], /^--fast: there is no such argument\.\ndeno task bench/],
    [["quick"], /^quick: there is no such argument/],
    [["--only", "messages,nothing"], /^--only: got nothing, wants some of messages, setup/],
    [["--only"], /^--only: got nothing, wants a list/],
    [["--peers", "--quick"], /^--peers: got --quick, wants a list/],
    [["--write", "--quick"], /^--write: documents a whole run/],
    [["--write", "--only", "hub"], /^--write: documents a whole run/],
  ];
  for (const [args, message] of refusals) {
    assert.throws(() => parseOptions(args), (error: Error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("the bench's arguments say what runs", () => {
  const all = { quick: false, json: false, write: false, only: [...SCENARIOS], peers: [] };
  assert.deepEqual(parseOptions([]), all);
  assert.deepEqual(parseOptions(["--write"]), { ...all, write: true });
  assert.deepEqual(parseOptions(["--only", "hub,setup", "--json", "--peers", "nginx,this"]), {
    ...all,
    json: true,
    only: ["hub", "setup"],
    peers: ["nginx", "this"],
  });
});

Deno.test("a figure is the median of its samples, with their quartiles, in any order", () => {
  assert.equal(median([10, 1, 9]), 9);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(quantile([10, 0], 0.99), 9.9);
  assert.deepEqual(figureOf([5, 1, 4, 2, 3]), { median: 3, low: 2, high: 4, rounds: 5 });
  assert.ok(Number.isNaN(median([])));
});

/** Two peers, of which the machine slowed down both in the second of three rounds. */
function measured(): Row[] {
  const samples = new Samples();
  for (const slow of [1, 10, 1]) {
    samples.add("text 300 B, 100 sockets", "µs CPU a message", "nginx (1)", 10 * slow);
    samples.add(
      "text 300 B, 100 sockets",
      "µs CPU a message",
      "this relay (Deno 2.9.6)",
      12 * slow,
    );
  }
  return samples.rows((): Record<string, string> => ({ nginx: "nginx (1)", naive: "nginx (1)" }));
}

Deno.test("a ratio is taken within a round: what slows down all changes none", () => {
  const [nginx, relay] = measured();
  assert.deepEqual(nginx.ratios, { nginx: 1, naive: 1 });
  assert.deepEqual(relay.ratios, { nginx: 1.2, naive: 1.2 });
  assert.equal(relay.figure.median, 12);
});

Deno.test("a peer that was not measured is no yardstick", () => {
  const samples = new Samples();
  samples.add("echo", "µs", "nginx", 1);
  assert.deepEqual(samples.rows(() => ({ naive: "naive relay" }))[0].ratios, {});
});

Deno.test("three digits are enough", () => {
  const shown = [0, 0.123, 1, 9.999, 12.34, 100, 1234.5, NaN].map(digits);
  assert.deepEqual(shown, ["0", "0.12", "1", "10", "12.3", "100", "1235", "–"]);
});

Deno.test("the tables show each scenario with its peers", () => {
  assert.equal(
    textTable(measured()),
    [
      "text 300 B, 100 sockets",
      "                           µs CPU a message  quartiles  × nginx  × naive",
      "  nginx (1)                              10    10 – 55     1.00     1.00",
      "  this relay (Deno 2.9.6)                12    12 – 66     1.20     1.20",
    ].join("\n"),
  );
  assert.equal(
    markdownTable(measured()),
    [
      "### Text 300 B, 100 sockets",
      "",
      "|  | µs CPU a message | quartiles | × nginx | × naive |",
      "| --- | --: | --: | --: | --: |",
      "| nginx (1) | 10 | 10 – 55 | 1.00 | 1.00 |",
      "| this relay (Deno 2.9.6) | 12 | 12 – 66 | 1.20 | 1.20 |",
    ].join("\n"),
  );
});

Deno.test("a target that was missed is said to be missed; one that was not measured, nothing", () => {
  const [target, ...others] = targetsOf(measured());
  assert.deepEqual(others, []);
  assert.equal(isHeld(target), false);
  assert.match(targetLines(measured())[0], /1\.2 of 1 × {2}MISSED$/);
  assert.match(targetTable(measured()), /\| 1 × \| 1\.2 \| \*\*missed\*\* \|$/);
  assert.equal(isHeld({ ...target, value: 1.004 }), true);
  assert.equal(isHeld({ ...target, value: 1.006 }), false);
});

Deno.test("the chart is well-formed, scaled to its longest bar, and has colours for the dark", () => {
  const bar = { label: 'a "<&> b', value: 10, low: 9, high: 1000, ours: true };
  const panel: Panel = { title: "T", unit: "µs", bars: [bar, { ...bar, value: 5, ours: false }] };
  const svg = chart("CPU", [panel, panel]);
  assert.equal(svg.match(/<rect class="ours" x="250" y="\d+" width="480"/g)?.length, 2);
  assert.equal(svg.match(/<rect class="bar" x="250" y="\d+" width="240"/g)?.length, 2);
  assert.match(svg, /@media \(prefers-color-scheme: dark\)/);
  assert.match(svg, />a &quot;&lt;&amp;&gt; b</);
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number);
  for (const [, x, y] of svg.matchAll(/<text class="value" x="([\d.]+)" y="(\d+)"/g)) {
    assert.ok(Number(x) < width - 40 && Number(y) < height, `${x}, ${y} is outside`);
  }
  for (const tag of ["svg", "g", "text", "style", "title", "tspan"]) {
    const count = (pattern: string) => svg.match(new RegExp(pattern, "g"))?.length;
    assert.equal(count(`<${tag}[ >]`), count(`</${tag}>`), tag);
  }
});

Deno.test("what a worker carries is what its start and its set-ups leave of a second", () => {
  const costs = { start: 200_000, setUp: 400, delivery: 10 };
  assert.equal(changesFor(100, costs), 760);
  assert.equal(changesFor(500, costs), 120);
  assert.equal(changesFor(2000, costs), 0);
  assert.equal(changesFor(5000, costs), 0);
  const own = { ...costs, setUp: 800, delivery: 20 };
  const table = capacityTable(costs, { ...costs, delivery: 1 }, own);
  assert.match(table, /^\| 100 \| 760 \| 7600 \| 360 \|$/m);
  assert.match(table, /200 ms for the start, a set-up of 400 µs a viewer or 800 µs a user/);
});

/** Masked or not, and into how many bytes. */
const CUTS = [[false, 1], [true, 1], [false, 1000], [true, 1000], [true, 1e6]] as const;

Deno.test("the load reads frames however they are cut, and unmasks them", () => {
  const texts = ["", "short", "x".repeat(200), "y".repeat(70_000)];
  const key = new Uint8Array([1, 2, 3, 4]);
  for (const [masked, size] of CUTS) {
    const sent = size === 1 ? texts.slice(0, 3) : texts;
    const wire = sent.flatMap((text) => {
      const bytes = frame(TEXT, text, masked);
      const start = bytes.length - text.length;
      if (masked) bytes.set(key, start - 4);
      return [...bytes].map((byte, n) => masked && n >= start ? byte ^ key[(n - start) & 3] : byte);
    });
    const read: string[] = [];
    const reader = new FrameReader();
    for (let at = 0; at < wire.length; at += size) {
      reader.push(new Uint8Array(wire.slice(at, at + size)), (opcode, payload) => {
        assert.equal(opcode, TEXT);
        read.push(new TextDecoder().decode(payload));
      });
    }
    assert.deepEqual(read, sent, `${size} bytes at a time`);
  }
});

Deno.test("nginx, which removes the file of its pid, is given one of its own", () => {
  const { config } = SERVERS.find(({ name }) => name === "nginx")!;
  assert.match(config(1234, 80), /^pid (?!\/dev\/)\S+-1234\.pid;/m);
});
