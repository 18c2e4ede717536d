/** `deno task doctor`: why a socket fails, and what to do. */
import { doctor } from "./doctor.ts";

Deno.exit(
  await doctor(Deno.args, {
    environment: Deno.env.toObject(),
    out: (text) => console.log(text),
    err: (text) => console.error(text),
    colour: Deno.stdout.isTerminal() && !Deno.env.get("NO_COLOR"),
  }),
);
