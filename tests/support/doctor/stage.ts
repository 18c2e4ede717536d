import assert from "node:assert/strict";
import postgres from "postgres";
import type { FindingId } from "../../../tools/doctor/findings/mod.ts";
import { findProgram, type Place, type ProxyName, startProxy } from "../proxies/start.ts";
import { type TestStack, withStack } from "../stack.ts";
import { diagnose, sawAll } from "./run.ts";

/** What broken set-ups are made of. */
export interface Stage {
  stack: TestStack;
  /** As superuser, on the stack's database. */
  sql: postgres.Sql;
  /** The stack's own key: what a set-up is asked with where it names none. */
  key: string;
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
  /** A program. */
  needs?: string;
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

/** A step for each set-up: the doctor names what is broken, and that alone. */
export async function tryAll(
  t: Deno.TestContext,
  stage: Bare,
  setUps: SetUp[],
): Promise<void> {
  for (const setUp of setUps) {
    const { name, expect, needs } = setUp;
    await t.step({
      name: `${name}: ${expect}${missing(needs)}`,
      ignore: missing(needs) !== "",
      fn: () => tryOne(stage, setUp),
    });
  }
}

async function tryOne(bare: Bare, { expect, hop, paste, make }: SetUp): Promise<void> {
  await withProps(bare, async (stage) => {
    const result = await diagnose(await argumentsOf(stage, make));
    assert.deepEqual(result.findings.map(({ id }) => id), [expect], sawAll(result));
    const [finding] = result.findings;
    assert.equal(result.exitCode, finding.severity === "failed" ? 1 : 0);
    if (hop) assert.equal(finding.hop, hop);
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

function missing(program: string | undefined): string {
  return program && !findProgram(program) ? ` (skipped: ${program} is not installed)` : "";
}
