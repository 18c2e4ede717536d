/** The oldest Node that is promised to do. */
export const OLDEST_NODE = 20;

/** Of the Node on this machine; undefined where there is none. */
export const nodeVersion = await versionOf("node");

/** Why there is no Node here, for the names of tests; empty where there is one. */
export const nodeMissing = parseInt(nodeVersion ?? "0") >= OLDEST_NODE
  ? ""
  : ` (skipped: there is no Node ${OLDEST_NODE} or newer)`;

async function versionOf(program: string): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command(program, { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).trim().replace(/^v/, "");
  } catch {
    return undefined;
  }
}
