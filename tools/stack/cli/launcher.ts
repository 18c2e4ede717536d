import { findProcess } from "../process.ts";

/**
 * `npx -y deno@… task dev` is a chain: npm, a shell, `deno task`, this process; `npx realtime-relay dev`
 * is two: npm, a shell, the package, npm, a shell, this process. A signal to npm ends npm and its shell
 * only and leaves the rest to nobody, so the chain is watched from here.
 */

/** As long as a stack may outlive the command that somebody has ended. */
const LOOK_EVERY_MS = 1_000;
/** Without /proc each look is a process of its own. */
const LOOK_EVERY_MS_BY_PS = 5_000;
/** npm exec, its shell, node with Deno's npm package, deno task; nothing legitimate is longer. */
const MAX_CHAIN = 6;

/** What belongs to the chain, by its command line; a user's own shell or script does not. */
const LINKS = [
  /^npm exec .*\b(?:deno|realtime-relay)\b/,
  /^(?:\S*\/)?(?:ba|da|z)?sh -c '?"?deno'?"? (?:task|run)\b/,
  /^(?:\S*\/)?node \S*deno\S* (?:task|run)\b/,
  /^(?:\S*\/)?deno task\b/,
  // The npm package, whose `dev` calls npm for Deno.
  /^(?:\S*\/)?(?:ba|da|z)?sh -c '?"?realtime-relay'?"? dev\b/,
  /^(?:\S*\/)?node \S*realtime-relay\S* dev\b/,
];

/** Calls `gone` once when a process that launched this one, however indirectly, has ended. */
export async function watchLauncher(gone: () => void): Promise<void> {
  const chain: number[] = [];
  for (let pid = Deno.ppid; chain.length < MAX_CHAIN;) {
    const process = await findProcess(pid);
    if (!process || !LINKS.some((link) => link.test(process.command))) break;
    chain.push(pid);
    pid = process.parent;
  }
  const timer = setInterval(async () => {
    const links = await Promise.all(chain.map(findProcess));
    if (links.every((link) => link)) return;
    clearInterval(timer);
    gone();
  }, Deno.build.os === "linux" ? LOOK_EVERY_MS : LOOK_EVERY_MS_BY_PS);
  Deno.unrefTimer(timer);
}
