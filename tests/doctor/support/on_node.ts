import { buildDoctor } from "../../../tools/build/doctor.ts";
import type { Report } from "../../../tools/doctor/report/schema.ts";
import type { Finished } from "./command.ts";

/** The command on Node, with the environment that is given and no other. */
export type OnNode = (args: string[], env?: Record<string, string>) => Promise<Finished>;

/** The doctor for Node, built anew, for `work`. */
export async function withDoctorOnNode(work: (onNode: OnNode) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "doctor-node-" });
  try {
    const file = await buildDoctor(`${folder}/doctor.cjs`);
    const PATH = Deno.env.get("PATH")!;
    await work(async (args, env = {}) => {
      const command = new Deno.Command("node", {
        args: [file, ...args],
        ...{ stdin: "null", clearEnv: true, env: { PATH, ...env } },
      });
      const { code, stdout, stderr } = await command.output();
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      return { code, stdout: out, stderr: err };
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A report without what no two runs have alike: how long things took. */
export function timeless(report: Report): Report {
  const text = JSON.stringify({ ...report, printed: undefined });
  return JSON.parse(text.replace(/\b\d+ ms\b/g, "n ms").replace(/\b\d+ s\b/g, "n s"));
}
