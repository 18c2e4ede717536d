import assert from "node:assert/strict";
import postgres from "postgres";
import type { FindingId } from "../../../tools/doctor/findings/mod.ts";
import {
  findProgram,
  type Place,
  type ProxyName,
  startProxy,
} from "../../support/proxies/start.ts";
import { type TestStack, withStack } from "../../support/stack.ts";
import { LONG } from "../../support/long.ts";
import { asRole } from "./as_role.ts";
import { type OnNode, timeless } from "./on_node.ts";
import { diagnose, sawAll } from "./run.ts";

/** What broken set-ups are made of. */
export interface Stage {
  stack: TestStack;
  /** As superuser, on the stack's database. */
  sql: postgres.Sql;
  /** The stack's own key: what a set-up is asked with where it names none. */
  key: string;
  /** The same doctor on Node, which must then say the same. */
  onNode?: OnNode;
  /** Starts a proxy that ends with the set-up, and gives its URL. */
  proxy(name: ProxyName, configure: (place: Place) => string): Promise<string>;
  /** Ends or mends something, after the doctor was there; the latest first. */
  after(undo: () => unknown): void;
}

/** What all set-ups of a file share. */
export type Bare = Omit<Stage, "after" | "proxy">;

/** One way in which a socket fails, made for real. */
export interface SetUp {
  name: string;
  expect: FindingId;
  /** The hop that the verdict must name. */
  hop?: string;
  /** Words that must stand in the lines to paste. */
  paste?: RegExp;
  /** Words that must stand in the verdict. */
  says?: RegExp;
  /** Words that must not stand anywhere in what is printed. */
  never?: RegExp;
  /** What is found beside it, by itself. */
  also?: FindingId[];
  /** The file that is named as the whole answer. */
  file?: string;
  /**
   * Does what the paste says, and gives the arguments of a run that finds nothing then; undefined
   * where that shows only after a restart. `args` are those of the first run.
   */
  mend?(stage: Stage, paste: string[], args: string[]): Promise<string[] | undefined> | string[];
  /** As whom the SQL of the paste is run; the doctor must then find this no more. */
  pasteAs?: string;
  /** What it still finds then. Default: nothing. */
  left?: FindingId[];
  /** A program. */
  needs?: string;
  /** Its server answers a second run in other words, so that Node is not asked as well. */
  once?: true;
  /** One that others with another finding stand for where time is short. */
  more?: true;
  /** Breaks it, and gives the doctor's arguments, the URL first. */
  make(stage: Stage): Promise<string[]> | string[];
}

/** A stack for `work`, and a stage on it. */
export async function withStage(
  work: (stage: Bare) => Promise<void>,
): Promise<void> {
  await withStack(async (stack) => {
    const sql = postgres(stack.info.DB_URL, { max: 2, onnotice: () => {} });
    try {
      await work({ stack, sql, key: stack.info.ANON_KEY });
    } finally {
      await sql.end();
    }
  });
}

/**
 * A step for each set-up: the doctor names what is broken, and that alone. Where time is short, the
 * first of those that have a finding and a program in common stands for them all.
 */
export async function tryAll(
  t: Deno.TestContext,
  stage: Bare,
  setUps: SetUp[],
): Promise<void> {
  const seen = new Set<string>();
  for (const [at, setUp] of setUps.entries()) {
    const { name, expect, needs } = setUp;
    const kind = `${expect} ${needs}`;
    const more = setUp.more || seen.has(kind);
    if (!more) seen.add(kind);
    // The first of each list stands for the others, where time is short.
    const onNode = (LONG || at === 0) && !setUp.once ? stage.onNode : undefined;
    await t.step({
      name: `${name}: ${expect}${onNode ? ", on Node as well" : ""}${missing(needs, more)}`,
      ignore: missing(needs, more) !== "",
      fn: () => tryOne({ ...stage, onNode }, setUp),
    });
  }
}

async function tryOne(bare: Bare, setUp: SetUp): Promise<void> {
  const { expect, hop, paste, says, never, also = [], make } = setUp;
  await withProps(bare, async (stage) => {
    const args = await argumentsOf(stage, make);
    const result = await diagnose(args);
    assert.deepEqual(result.findings.map(({ id }) => id), [expect, ...also], sawAll(result));
    if (stage.onNode) {
      const { code, stdout, stderr } = await stage.onNode(["--json", ...args]);
      assert.deepEqual(timeless(JSON.parse(stdout)), timeless(result), stderr);
      assert.equal(code, result.exitCode);
    }
    const [finding] = result.findings;
    assert.equal(result.exitCode, finding.severity === "failed" ? 1 : 0);
    if (hop) assert.equal(finding.hop, hop);
    if (setUp.file) assert.equal(finding.file, setUp.file);
    if (setUp.pasteAs) {
      const lines = result.findings.flatMap((it) => it.paste);
      assert.ok(lines.length > 0, "Nothing is printed to be pasted.");
      await asRole(stage.sql, setUp.pasteAs, lines.join("\n"));
      const again = await diagnose(args);
      assert.deepEqual(again.findings.map(({ id }) => id), setUp.left ?? [], sawAll(again));
    }
    const mended = await setUp.mend?.(stage, finding.paste, args);
    if (mended) {
      const again = await diagnose(await argumentsOf(stage, () => mended));
      assert.deepEqual(again.findings, [], sawAll(again));
    }
    if (says) assert.match(result.verdict, says);
    if (never) assert.ok(!never.test(result.printed), result.printed);
    if (paste) assert.match(finding.paste.join("\n"), paste);
  });
}

/** A step for each healthy set-up: no failure, no warning, exit code 0. */
export async function tryHealthy(
  t: Deno.TestContext,
  bare: Bare,
  setUps: (Omit<SetUp, "expect"> & { kind?: string })[],
): Promise<void> {
  for (const { name, needs, make, kind } of setUps) {
    await t.step({
      name: `${name}: no alarm${missing(needs)}`,
      ignore: missing(needs) !== "",
      fn: () =>
        withProps(bare, async (stage) => {
          const result = await diagnose(await argumentsOf(stage, make));
          assert.deepEqual(result.findings, [], sawAll(result));
          assert.equal(result.exitCode, 0);
          if (kind) assert.equal(result.kind, kind);
        }),
    });
  }
}

/** Runs `work` with what a set-up may start, and ends all of it, whatever fails before. */
async function withProps(bare: Bare, work: (stage: Stage) => Promise<void>): Promise<void> {
  const undo: (() => unknown)[] = [];
  const after = (work: () => unknown) => void undo.unshift(work);
  const proxy = async (name: ProxyName, configure: (place: Place) => string) => {
    const started = await startProxy(name, configure);
    after(started.stop);
    return started.url;
  };
  const failures: unknown[] = [];
  const attempt = (work: () => unknown) =>
    Promise.resolve().then(work).catch((error) => failures.push(error));
  await attempt(() => work({ ...bare, after, proxy }));
  for (const work of undo) await attempt(work);
  if (failures.length > 0) throw failures[0];
}

/** The set-up's arguments, with the stack's key where it names none. */
async function argumentsOf(stage: Stage, make: SetUp["make"]): Promise<string[]> {
  const args = await make(stage);
  return args.includes("--key") ? args : [...args, "--key", stage.key];
}

function missing(program: string | undefined, isMore = false): string {
  if (isMore && !LONG) return " (ignored: a full count)";
  return program && !findProgram(program) ? ` (skipped: ${program} is not installed)` : "";
}
