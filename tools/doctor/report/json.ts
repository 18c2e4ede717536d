import type { Context } from "../context.ts";
import { sentenceOf } from "../check.ts";
import { describe } from "../findings/mod.ts";
import type { Verdict } from "../judge/judge.ts";
import { DOCS, fileFor, pasteOf } from "./paste.ts";
import type { Report } from "./schema.ts";
import { VERSION } from "./version.ts";

/** Whose values are of the schema's own: a secret may be the same word, and is no secret there. */
const NAMES = ["id", "of", "area", "state", "severity", "kind", "proxy", "docs"];

/** What the doctor prints for programs, by the schema beside, with all else passed through `hide`. */
export function toJson(
  context: Context,
  verdict: Verdict,
  hide: (text: string) => string,
): string {
  const { target: { kind, socket }, proxy, options: { url } } = context;
  const report: Report = {
    version: VERSION,
    url: url.origin + url.pathname,
    ...{ kind, socket: socket.origin + socket.pathname, proxy },
    verdict: verdict.sentence,
    exitCode: verdict.exitCode,
    findings: verdict.causes.map((cause) => {
      const { hop, saw } = cause;
      const id = cause.id!;
      const { area, severity, fix } = describe(id);
      const says = sentenceOf(cause);
      const more = { paste: pasteOf(cause, context), file: fileFor(cause, context) };
      return { id, area, severity, says, fix, hop, saw, ...more, docs: `${DOCS}#${id}` };
    }),
    symptoms: verdict.symptoms.map(({ id, of, saw }) => ({ id: id!, of, saw })),
    checks: verdict.checks.map(({ area, state, saw, id }) => ({ area, state, saw, id })),
  };
  const hidden = (name: string, value: unknown) =>
    typeof value === "string" && !NAMES.includes(name) ? hide(value) : value;
  // What is no letter, sign or digit is escaped: whoever prints this prints nothing that acts.
  return JSON.stringify(report, hidden, 2).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escape);
}

const escape = (unit: string): string =>
  unit === "\n"
    ? unit
    : unit.split("").map((half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, "0")}`).join(
      "",
    );
