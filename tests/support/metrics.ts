/** For tests alone. */
export const METRICS_TOKEN = "metrics-token-of-a-project-that-does-not-exist";

export const TOKEN_ENV = { RELAY_METRICS_TOKEN: METRICS_TOKEN };

/** One line of an exposition that is no comment. */
export interface Sample {
  name: string;
  /** As they stand there, braces included. */
  labels: string;
  value: number;
}

export interface Family {
  name: string;
  type: string;
  help: string;
  unit?: string;
  samples: Sample[];
}

/** The samples of an exposition by name and labels. Throws where one stands there twice. */
export function valuesOf(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const { samples } of familiesOf(text)) {
    for (const { name, labels, value } of samples) {
      if (values.has(name + labels)) throw new Error(`twice: ${name}${labels}`);
      values.set(name + labels, value);
    }
  }
  return values;
}

/** Reads an exposition; throws at a line that is none, or that stands in another family's lines. */
export function familiesOf(text: string): Family[] {
  const families: Family[] = [];
  for (const line of text.replace(/# EOF\n$/, "").trimEnd().split("\n")) {
    const [, keyword, name, rest] = /^# (TYPE|UNIT|HELP) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === "TYPE") families.push({ name, type: rest, help: "", samples: [] });
    const family = families.at(-1);
    if (!family || (name !== undefined && name !== family.name)) throw new Error(`stray: ${line}`);
    if (keyword === "HELP") family.help = rest;
    if (keyword === "UNIT") family.unit = rest;
    if (keyword) continue;
    const [, sample, labels = "", value] =
      /^([a-z_]+)(\{(?:[a-z]+="[^"\\\n]*",?)+\})? (\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.exec(line) ?? [];
    if (!sample?.startsWith(family.name)) throw new Error(`stray: ${line}`);
    family.samples.push({ name: sample, labels, value: Number(value) });
  }
  return families;
}
