import type { Check } from "./check.ts";
import { skipped } from "./check.ts";
import type { Context } from "./context.ts";
import { AREAS } from "./findings/mod.ts";
import { identify } from "./identify.ts";
import type { Options } from "./options.ts";
import { probeChannels } from "./probe/channels.ts";
import { probeDatabase } from "./probe/database.ts";
import { probeEnvFile } from "./probe/env_file.ts";
import { probeIdle } from "./probe/idle.ts";
import { probeInsert } from "./probe/insert.ts";
import { probeKeys } from "./probe/keys.ts";
import { probeName } from "./probe/name.ts";
import { probeRelay } from "./probe/relay.ts";
import { probeUpgrade } from "./probe/upgrade.ts";

/** What was seen, in the order in which a socket meets it. */
export interface Diagnosis {
  context: Context;
  checks: Check[];
}

/**
 * Looks at everything that the options reach: name -> upgrade -> keys -> tenant -> channels ->
 * database -> relay -> env file. What needs something that failed is not looked at.
 */
export async function diagnose(
  options: Options,
  progress: (what: string) => void = () => {},
): Promise<Diagnosis> {
  const checks: Check[] = [];
  const note = (more: Check[]) => {
    checks.push(...more);
    return !more.some(({ state }) => state === "failed");
  };
  progress(`reaching ${options.url.host}`);
  const isReached = note(await probeName(options.url, options.waitMs));
  if (isReached) progress("finding out what it is");
  const found = isReached ? await identify(options) : undefined;
  const target = found?.target ?? { kind: "project" as const, socket: options.url };
  const context: Context = { options, target, progress };
  note(found?.checks ?? []);
  // Its page names another host.
  const isThere = isReached && (target.socket.host === options.url.host ||
    note(await probeName(target.socket, options.waitMs)));
  if (isThere) {
    progress("judging the keys");
    note(await probeKeys(context));
    progress("asking for the upgrade");
    const isOpen = note(await probeUpgrade(context));
    progress("joining channels, asking the relay");
    const [channels, relay] = await Promise.all([
      isOpen ? openChannels(context) : [skipped("channels", "the upgrade fails")],
      probeRelay(context, isOpen),
    ]);
    note([...channels, ...relay]);
    if (isOpen) note(await probeIdle(context));
  } else {
    note(
      ["upgrade", "keys", "channels", "relay"].map((area) =>
        skipped(area as Check["area"], "the host is not reached")
      ),
    );
  }
  if (options.db) progress("reading the database");
  note(await probeDatabase(context));
  note(await probeEnvFile(options));
  const order = (check: Check) => AREAS.indexOf(check.area);
  return { context, checks: checks.sort((a, b) => order(a) - order(b)) };
}

/** The row is inserted last: a table that is published anew subscribes every channel again. */
async function openChannels(context: Context): Promise<Check[]> {
  if (context.options.quick) return [skipped("channels", "--quick leaves them out")];
  const channels = await probeChannels(context);
  if (channels.some(({ state }) => state === "failed")) return channels;
  return [...channels, ...await probeInsert(context)];
}
