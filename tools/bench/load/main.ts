/**
 * The load of the bench, in a process of its own and without a promise: commands as lines of JSON on
 * stdin, answers on stdout. Ends with stdin.
 */
import { Ends } from "./ends.ts";
import { carry, echo } from "./carry.ts";
import { open } from "./open.ts";
import { request } from "./request.ts";
import { TEXT } from "./frames.ts";
import { answer as answerTo, fan, joinAll, watch } from "./viewers.ts";

const ends = new Ends();
let arrived: ReturnType<typeof watch>;
// deno-lint-ignore no-explicit-any
const commands: Record<string, (options: any) => unknown> = {
  open: (options) => open(ends, options),
  carry: (options) => carry(ends, options),
  echo: (options) => echo(ends, options),
  join: (options) => joinAll(ends, options),
  fan: (options) => fan(ends, options),
  watch: (options) => void (arrived = watch(ends, options)),
  arrived: () => arrived(),
  request: (options) => request(ends, options),
  idle: ({ ms }: { ms: number }) => ends.during(ms),
  upstreams: () => ends.upstreams.length,
  close() {
    ends.close();
    // A hub that lost its socket comes back by itself, and wants an answer though nobody measures.
    ends.onFrame = (end, code, data) =>
      end.side === "upstream" && code === TEXT && answerTo(end, data);
  },
};

const STDIN = 0;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const buffer = new Uint8Array(1 << 20);

function answer(value: unknown): void {
  const data = encoder.encode(`${JSON.stringify(value)}\n`);
  for (let sent = 0; sent < data.length;) sent += Deno.stdout.writeSync(data.subarray(sent));
}

answer({ port: ends.port, pid: Deno.pid });
let rest = "";
while (true) {
  ends.untilReadable(STDIN);
  const count = Deno.stdin.readSync(buffer);
  if (count === null) break;
  const lines = (rest + decoder.decode(buffer.subarray(0, count), { stream: true })).split("\n");
  rest = lines.pop()!;
  for (const line of lines) {
    const { do: name, ...options } = JSON.parse(line);
    try {
      answer({ value: commands[name](options) ?? null });
    } catch (error) {
      answer({ error: (error as Error).message });
    }
  }
}
