/**
 * The gate of the tests: `main.ts LINE…` runs each line, a command that runs tests, and decides what
 * came of it. Ends with 0 if all passed, perhaps at a second look, and with 1 else; the last line of
 * its output is `N passed, N failed`, or with `, N skipped` behind.
 */
import { execute } from "./execute.ts";
import { gate } from "./gate.ts";

const isWell = await gate(Deno.args, { execute, print: (text) => console.log(text) });
Deno.exit(isWell ? 0 : 1);
