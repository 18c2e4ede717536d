/** `deno task doctor`, and the same on Node: why a socket fails, and what to do. */
import process from "node:process";
import { doctor } from "./doctor.ts";

const { argv, env, stdout } = process;

// PostgreSQL's driver writes what is due after its connection has ended, and nobody could hear of that
// otherwise. Its question counts as one that is not answered.
process.on("uncaughtException", ({ message }) => {
  if (/null \(reading 'write'\)/.test(message)) return;
  console.error(`The doctor failed: ${message}`);
  process.exit(2);
});

doctor(argv.slice(2), {
  environment: env,
  out: (text) => console.log(text),
  err: (text) => console.error(text),
  colour: stdout.isTTY && !env.NO_COLOR,
  columns: stdout.columns,
}).then((code) => {
  // What nobody waits for may still hold a connection; what was printed is to arrive first.
  stdout.write("", () => process.exit(code));
});
