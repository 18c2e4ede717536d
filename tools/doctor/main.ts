/** `deno task doctor`, and the same on Node: why a socket fails, and what to do. */
import process from "node:process";
import { doctor } from "./doctor.ts";

const { argv, env, stdout } = process;

doctor(argv.slice(2), {
  environment: env,
  out: (text) => console.log(text),
  err: (text) => console.error(text),
  colour: stdout.isTTY && !env.NO_COLOR,
}).then((code) => {
  // What nobody waits for may still hold a connection; what was printed is to arrive first.
  stdout.write("", () => process.exit(code));
});
