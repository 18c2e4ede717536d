import { type Check, sentenceOf } from "../check.ts";
import type { Context } from "../context.ts";
import { describe } from "../findings/mod.ts";
import type { Verdict } from "../judge/judge.ts";
import { DOCS, fileFor, pasteOf } from "./paste.ts";
import { widthOf, wrap } from "./wrap.ts";

const COLOURS = { ok: 32, warning: 33, failed: 31, skipped: 2 } as const;

/** What the doctor prints, for people: verdict, why and what to do, and what was seen. */
export function toText(
  context: Context,
  verdict: Verdict,
  { colour, columns }: { colour: boolean; columns?: number },
): string {
  const width = widthOf(columns);
  const paint = (code: number, text: string) => colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  const lines = verdict.checks.map((check) => {
    const cause = verdict.symptoms.find(({ id }) => id === check.id)?.of;
    const follows = cause ? `; follows from ${cause}` : "";
    const saw = check.state === "skipped" ? `not looked at: ${check.saw}` : check.saw + follows;
    const id = check.id ? `  [${check.id}]` : "";
    const rest = wrap(`${check.area.padEnd(8)}  ${saw}${id}`, { first: 9, rest: 19, width });
    return `${paint(COLOURS[check.state], check.state.padEnd(7))}  ${rest}`;
  });
  const advice = verdict.causes.map((cause, index) => adviceOf(cause, index > 0, context, width));
  return [wrap(verdict.sentence, { width }), ...advice, lines.join("\n")].join("\n\n");
}

/** What was seen and what to do; of all but the first, which the verdict names, also what it is. */
function adviceOf(
  cause: Check,
  isFurther: boolean,
  context: Context,
  width: number,
): string {
  const { fix } = describe(cause.id!);
  const file = fileFor(cause, context);
  return [
    wrap(`${cause.id}: ${isFurther ? `${sentenceOf(cause)} ` : ""}${cause.saw}`, {
      rest: 2,
      width,
    }),
    wrap(`  ${fix}`, { rest: 2, width }),
    ...pasteOf(cause, context).map((line) => `    ${line}`),
    ...(file ? [`  the whole file: ${file}`] : []),
    `  ${DOCS}#${cause.id}`,
  ].join("\n");
}
