import type { Check } from "./check.ts";
import type { Context } from "./context.ts";
import type { Diagnosis } from "./diagnose.ts";
import { describe } from "./findings/mod.ts";
import { linesFor, TOPICS } from "./fixes/mod.ts";
import { SETTINGS } from "./fixes/settings.ts";
import { PROXIES } from "./options.ts";
import type { Verdict } from "./verdict.ts";

const DOCS = "docs/TROUBLESHOOTING.md";
const COLOURS = { ok: 32, warning: 33, failed: 31, skipped: 2 } as const;

/** What the doctor prints, for people. `colour` only where a terminal reads. */
export function toText({ context, checks }: Diagnosis, verdict: Verdict, colour: boolean): string {
  const paint = (code: number, text: string) => colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  const lines = checks.map((check) => {
    const cause = verdict.symptoms.find(({ id }) => id === check.id)?.of;
    const follows = cause ? `; follows from ${cause}` : "";
    const saw = check.state === "skipped" ? `not looked at: ${check.saw}` : check.saw + follows;
    const id = check.id ? `  [${check.id}]` : "";
    return `${paint(COLOURS[check.state], check.state.padEnd(7))}  ${
      check.area.padEnd(8)
    }  ${saw}${id}`;
  });
  const advice = verdict.causes.map((cause, index) => adviceOf(cause, index > 0, context));
  return [lines.join("\n"), verdict.sentence, ...advice].join("\n\n");
}

/** What to do; of all but the first, which the verdict names, also what it is. */
function adviceOf(cause: Check, isFurther: boolean, context: Context): string {
  const { says, fix } = describe(cause.id!);
  return [
    `${cause.id}: ${isFurther ? `${says} ` : ""}${fix}`,
    ...pasteOf(cause, context).map((line) => `    ${line}`),
    `  ${DOCS}#${cause.id}`,
  ].join("\n");
}

function pasteOf(cause: Check, { proxy, options: { direct } }: Context): string[] {
  const id = cause.id!;
  return cause.paste ?? linesFor(id, proxy, direct?.host) ?? SETTINGS[id]?.split("\n") ??
    (TOPICS[id] ? [`(no proxy gave itself away; --proxy ${PROXIES.join("|")} prints lines)`] : []);
}

/** The same for programs: ids are stable, sentences are not. */
export function toJson({ context, checks }: Diagnosis, verdict: Verdict): string {
  const { target: { kind, socket }, proxy } = context;
  return JSON.stringify(
    {
      url: context.options.url.origin + context.options.url.pathname,
      ...{ kind, socket: socket.origin + socket.pathname, proxy },
      verdict: verdict.sentence,
      exitCode: verdict.exitCode,
      findings: verdict.causes.map((cause) => ({
        id: cause.id,
        ...describe(cause.id!),
        ...{ hop: cause.hop, saw: cause.saw, paste: pasteOf(cause, context) },
        docs: `${DOCS}#${cause.id}`,
      })),
      symptoms: verdict.symptoms.map(({ id, of, saw }) => ({ id, of, saw })),
      checks: checks.map(({ area, state, saw, id }) => ({ area, state, saw, id })),
    },
    null,
    2,
  );
}
