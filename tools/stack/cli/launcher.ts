/**
 * `npx -y deno@… task dev` is a chain: npm, a shell, `deno task`, this process. A signal to npm ends
 * npm and its shell only and leaves the rest to nobody, so the chain is watched from here.
 */

/** As long as a stack may outlive the command that somebody has ended. */
const LOOK_EVERY_MS = 1_000;
/** Without /proc each look is a process of its own. */
const LOOK_EVERY_MS_BY_PS = 5_000;
/** npm exec, its shell, node with Deno's npm package, deno task; nothing legitimate is longer. */
const MAX_CHAIN = 6;

/** What belongs to the chain, by its command line; a user's own shell or script does not. */
const LINKS = [
  /^npm exec .*\bdeno\b/,
  /^(?:\S*\/)?(?:ba|da|z)?sh -c '?"?deno'?"? task\b/,
  /^(?:\S*\/)?node \S*deno\S* task\b/,
  /^(?:\S*\/)?deno task\b/,
];

/** Calls `gone` once when a process that launched this one, however indirectly, has ended. */
export async function watchLauncher(gone: () => void): Promise<void> {
  const chain: number[] = [];
  for (let pid = Deno.ppid; chain.length < MAX_CHAIN;) {
    const process = await look(pid);
    if (!process || !LINKS.some((link) => link.test(process.command))) break;
    chain.push(pid);
    pid = process.parent;
  }
  const timer = setInterval(async () => {
    const links = await Promise.all(chain.map(look));
    if (links.every((link) => link)) return;
    clearInterval(timer);
    gone();
  }, Deno.build.os === "linux" ? LOOK_EVERY_MS : LOOK_EVERY_MS_BY_PS);
  Deno.unrefTimer(timer);
}

/** Parent and command line of a process; undefined if it has ended. */
async function look(pid: number): Promise<{ parent: number; command: string } | undefined> {
  if (Deno.build.os !== "linux") return await lookByPs(pid);
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

async function lookByPs(pid: number): Promise<{ parent: number; command: string } | undefined> {
  const args = ["-o", "ppid=,command=", "-p", String(pid)];
  const { stdout } = await new Deno.Command("ps", { args, stderr: "null" }).output();
  const found = new TextDecoder().decode(stdout).match(/^\s*(\d+)\s+(.*)/);
  return found ? { parent: Number(found[1]), command: found[2] } : undefined;
}
