/** A running process of this machine. */
export interface Process {
  parent: number;
  /** Its arguments, by blanks. */
  command: string;
}

/** Undefined if there is none by this number, or it has ended and nobody has asked how. */
export async function findProcess(pid: number): Promise<Process | undefined> {
  if (Deno.build.os !== "linux") return await findByPs(pid);
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    const command = await Deno.readTextFile(`/proc/${pid}/cmdline`);
    // "pid (name) state ppid …"; a name may hold anything, brackets and blanks too.
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z") return undefined;
    return { parent: Number(parent), command: command.replaceAll("\0", " ").trim() };
  } catch {
    return undefined;
  }
}

async function findByPs(pid: number): Promise<Process | undefined> {
  const args = ["-o", "ppid=,stat=,command=", "-p", String(pid)];
  const { stdout } = await new Deno.Command("ps", { args, stderr: "null" }).output();
  const found = new TextDecoder().decode(stdout).match(/^\s*(\d+)\s+(\S+)\s+(.*)/);
  if (!found || found[2].startsWith("Z")) return undefined;
  return { parent: Number(found[1]), command: found[3] };
}

/**
 * What a program of the stack must not find by chance: settings of a project. All else is passed on,
 * since `deno run` and npx need more of it than can be listed: caches, proxies, and under several names
 * the certificates of a network that has its own.
 */
const PROJECT_VARIABLES = /^(SUPABASE_|RELAY_|JWT_SECRET$|PORT$)/;
/** `PGSSLMODE` and its like: defaults of every Postgres client, those of the stack and of the CLI too. */
const POSTGRES_VARIABLES = /^PG[A-Z]/;

/** The environment of this process without what belongs to a project. */
export function machineEnv(): Record<string, string> {
  const pairs = Object.entries(Deno.env.toObject());
  return Object.fromEntries(pairs.filter(([name]) => !PROJECT_VARIABLES.test(name)));
}

/** Takes from this process, and so from its children, the variables that are about some other database. */
export function forgetOtherDatabases(): void {
  for (const name of Object.keys(Deno.env.toObject())) {
    if (POSTGRES_VARIABLES.test(name)) Deno.env.delete(name);
  }
}
