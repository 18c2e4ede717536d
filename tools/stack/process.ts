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
