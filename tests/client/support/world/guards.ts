/**
 * Takes out each guard and each transition of the machines in turn, and lists those whose loss no
 * world shows: `deno run -A tests/client/support/world/guards.ts [worlds] [file …]`. What is listed
 * wants a world, or is not needed.
 */
import fc from "fast-check";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { clientAt } from "./client_at.ts";
import { play } from "./play.ts";
import { EXAMPLES } from "./script/examples.ts";
import { FOUND } from "./script/found.ts";
import { scripts } from "./script/generate.ts";

const CLIENT = fileURLToPath(new URL("../../../../client/", import.meta.url));

const MACHINES = [
  ...["session/step/join.ts", "session/step/subscribe.ts", "session/step/step.ts"],
  ...["session/missing.ts", "session/links.ts", "session/delivery.ts"],
  ...["carrier/connection.ts", "carrier/dialling.ts", "carrier/answers.ts", "carrier/standing.ts"],
];

/** One that comes to no end is found as well. */
const MOST_MS = 120_000;

interface Guard {
  file: string;
  line: number;
  text: string;
  /** The file without it. */
  source: string;
}

/** Every `if`, never true, and every `case`, as if nothing were written there. */
function guardsOf(file: string, source: string): Guard[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const guards: Guard[] = [];
  const without = (node: ts.Node, start: number, end: number, instead: string) => {
    const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
    const [text] = node.getText().split("\n");
    const rest = source.slice(0, start) + instead + source.slice(end);
    guards.push({ file, line: line + 1, text, source: rest });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isIfStatement(node)) {
      const { expression } = node;
      without(node, expression.getStart(), expression.end, `!!0 && (${expression.getText()})`);
    }
    if (ts.isCaseClause(node) && node.statements.length > 0) {
      without(node, node.statements[0].getStart(), node.end, "return;");
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return guards;
}

/** Exits with 1 where a world shows that the client at the path is broken. */
async function judge(path: string, worlds: number): Promise<never> {
  const client = await clientAt(path);
  const all = [...EXAMPLES, ...FOUND].map(({ script }) => script);
  for (const script of [...all, ...fc.sample(scripts, { numRuns: worlds, seed: 7 })]) {
    if ((await play(client, script)).broken) Deno.exit(1);
  }
  Deno.exit(0);
}

async function isFound({ file, source }: Guard, worlds: string): Promise<boolean> {
  const folder = await Deno.makeTempDir();
  await new Deno.Command("cp", { args: ["-r", `${CLIENT}.`, folder] }).output();
  await Deno.writeTextFile(`${folder}/${file}`, source);
  const self = fileURLToPath(import.meta.url);
  const args = ["run", "--no-check", "-A", self, "judge", `${folder}/mod.ts`, worlds];
  const options = { args, stdout: "null", stderr: "null" } as const;
  const child = new Deno.Command(Deno.execPath(), options).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), MOST_MS);
  const { success } = await child.status;
  clearTimeout(timer);
  await Deno.remove(folder, { recursive: true });
  return !success;
}

const [first = "400", ...others] = Deno.args;
if (first === "judge") await judge(others[0], Number(others[1]));
const whole = {
  file: "mod.ts",
  line: 0,
  text: "",
  source: await Deno.readTextFile(`${CLIENT}mod.ts`),
};
if (await isFound(whole, first)) {
  console.log("The client as it is breaks a promise in these worlds: mend that first.");
  Deno.exit(1);
}
const counts = { all: 0, found: 0 };
for (const file of others.length > 0 ? others : MACHINES) {
  for (const guard of guardsOf(file, await Deno.readTextFile(CLIENT + file))) {
    counts.all++;
    if (await isFound(guard, first)) counts.found++;
    else console.log(`not found: ${file}:${guard.line} ${guard.text}`);
  }
}
console.log(`${counts.found} of ${counts.all} are found`);
