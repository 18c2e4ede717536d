import type { Histogram } from "../measure/histogram.ts";

/** How metrics are written: OpenMetrics 1.0, or Prometheus's own text format 0.0.4. */
export type Format = "openmetrics" | "plain";

/** Of a metric that is one number, or one for each value of a label. */
export type Values = number | { label: string; of: Record<string, number> };

export type Metric =
  & {
    /** Without the suffix of its type; ends with the unit, where it has one. */
    name: string;
    unit?: "seconds" | "bytes";
    /** One sentence. */
    help: string;
  }
  & (
    | { type: "counter" | "gauge" | "info"; values: Values }
    | { type: "histogram"; values: Histogram }
  );

const TYPES: Record<Format, string> = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  plain: "text/plain; version=0.0.4; charset=utf-8",
};

export const contentTypeOf = (format: Format): string => TYPES[format];

/** OpenMetrics, but for those who name plain text and not it. */
export function formatFor(accept: string): Format {
  return /\btext\/plain\b/i.test(accept) && !/\bapplication\/openmetrics-text\b/i.test(accept)
    ? "plain"
    : "openmetrics";
}

const SUFFIXES = { counter: "_total", info: "_info", gauge: "" };

/** Writes them down. Neither names nor labels nor help may hold what would have to be escaped. */
export function expose(format: Format, metrics: readonly Metric[]): string {
  const lines = metrics.flatMap((metric) => [...headOf(format, metric), ...samplesOf(metric)]);
  if (format === "openmetrics") lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

function headOf(format: Format, metric: Metric): string[] {
  const { name, unit, help, type } = metric;
  if (format === "openmetrics") {
    const units = unit ? [`# UNIT ${name} ${unit}`] : [];
    return [`# TYPE ${name} ${type}`, ...units, `# HELP ${name} ${help}`];
  }
  // There a metric has the name of its samples, and no info.
  const full = type === "histogram" ? name : name + SUFFIXES[type];
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type === "info" ? "gauge" : type}`];
}

function samplesOf(metric: Metric): string[] {
  if (metric.type === "histogram") return bucketsOf(metric.name, metric.values);
  const { values, type } = metric;
  const name = metric.name + SUFFIXES[type];
  if (typeof values === "number") return [`${name} ${values}`];
  return Object.entries(values.of).map(([value, number]) =>
    `${name}{${values.label}="${value}"} ${number}`
  );
}

function bucketsOf(name: string, histogram: Histogram): string[] {
  const { counts, sumMs } = histogram.report();
  const bounds = [...histogram.bounds.map((ms) => floatOf(ms / 1_000)), "+Inf"];
  return [
    ...bounds.map((bound, n) => `${name}_bucket{le="${bound}"} ${counts[n]}`),
    `${name}_sum ${sumMs / 1_000}`,
    `${name}_count ${counts.at(-1)}`,
  ];
}

/** As OpenMetrics wants bounds to be written, so that a series keeps its name. */
const floatOf = (value: number): string => Number.isInteger(value) ? `${value}.0` : `${value}`;
