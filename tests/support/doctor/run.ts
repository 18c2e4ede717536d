import assert from "node:assert/strict";
import { doctor } from "../../../tools/doctor/doctor.ts";
import type { FindingId } from "../../../tools/doctor/findings/mod.ts";

/** What the doctor's --json says, as far as tests read it. */
export interface Result {
  exitCode: number;
  kind: string;
  proxy?: string;
  verdict: string;
  findings: { id: FindingId; severity: string; hop?: string; saw: string; paste: string[] }[];
  symptoms: { id: FindingId; of: FindingId; saw: string }[];
  checks: { area: string; state: string; saw: string; id?: FindingId }[];
  /** All that was printed on either stream. */
  printed: string;
}

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
  const result: Result = { ...JSON.parse(out), printed: out + err };
  assert.equal(result.exitCode, code);
  return result;
}

/** Everything the doctor saw, for the message of a test that fails. */
export function sawAll({ checks, verdict }: Result): string {
  const lines = checks.map(({ area, state, saw, id }) => `${state} ${area}: ${saw} [${id ?? ""}]`);
  return [...lines, verdict].join("\n");
}
