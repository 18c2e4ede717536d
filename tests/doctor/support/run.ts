import assert from "node:assert/strict";
import { doctor } from "../../../tools/doctor/doctor.ts";
import { REPORT, type Report } from "../../../tools/doctor/report/schema.ts";

/** What the doctor's --json says, and all that was printed on either stream. */
export type Result = Report & { printed: string };

/** The command, in this process. */
export async function run(
  args: string[],
  environment: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: string[][] = [[], []];
  const code = await doctor(args, {
    ...{ environment, colour: false },
    out: (text) => out.push(text),
    err: (text) => err.push(text),
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

/** The same with --json, read. */
export async function diagnose(args: string[], env?: Record<string, string>): Promise<Result> {
  const { code, out, err } = await run(["--json", ...args], env);
  // Every report that a test makes is one by the schema.
  const result: Result = { ...REPORT.parse(JSON.parse(out)), printed: out + err };
  assert.equal(result.exitCode, code);
  return result;
}

/** Everything the doctor saw, for the message of a test that fails. */
export function sawAll({ checks, verdict }: Result): string {
  const lines = checks.map(({ area, state, saw, id }) => `${state} ${area}: ${saw} [${id ?? ""}]`);
  return [...lines, verdict].join("\n");
}
