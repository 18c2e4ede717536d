import { blind, type Check, skipped } from "./check.ts";
import { type Context, keyOf, type Target } from "./context.ts";
import { type Area, AREAS } from "./findings/mod.ts";
import { identify } from "./identify/identify.ts";
import type { Options } from "./options.ts";
import { probeChannels } from "./probe/channels.ts";
import { probeEnvFile } from "./probe/env_file.ts";
import { probeIdle } from "./probe/idle.ts";
import { probeKeys } from "./probe/keys/keys.ts";
import { probeName } from "./probe/name.ts";
import { probeRelay } from "./probe/relay.ts";
import { probeUpgrade } from "./probe/upgrade/upgrade.ts";

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
  progress(`reaching ${options.url.host}`);
  const name = (await guard("name", () => probeName(options.url, options.waitMs)))
    .map((check) => tellProxy(check, options));
  if (isWell(name)) progress("finding out what it is");
  const found = isWell(name) ? await identify(options) : undefined;
  const target = found?.target ?? { kind: "project" as const, socket: options.url };
  // A page may name another host.
  const isOther = found !== undefined && target.socket.host !== options.url.host;
  const context: Context = { options: forHost(options, isOther, target), target, progress };
  if (isOther) progress(`asking ${target.socket.host}, which the page names`);
  const other = isOther
    ? [
      ...await guard("name", () => probeName(target.socket, options.waitMs)),
      ...tellWithheld(options, context),
    ]
    : [];
  const socket = isWell([...name, ...other]) ? await lookAtSocket(context) : NOT_REACHED;
  if (options.db) progress("reading the database");
  const database = await guard("database", () => lookAtDatabase(context));
  const envFile = await guard("env file", () => probeEnvFile(options));
  const checks = [...name, ...found?.checks ?? [], ...other, ...socket, ...database, ...envFile];
  const order = (check: Check) => AREAS.indexOf(check.area);
  return { context, checks: checks.sort((a, b) => order(a) - order(b)) };
}

/** Who gets out by a proxy alone is not reached, and has no name, for who goes by none. */
function tellProxy(check: Check, { forwardProxy }: Options): Check {
  if (!forwardProxy || check.state !== "failed") return check;
  return {
    ...check,
    saw: `${check.saw}; ${forwardProxy} is set here, and the doctor asks without it`,
  };
}

/** Key and token go to the host that was named: to one that a page names only where that is asked for. */
function forHost(options: Options, isOther: boolean, { socket }: Target): Options {
  if (!isOther || options.ask.includes(socket.host)) return options;
  return { ...options, key: undefined, token: undefined };
}

function tellWithheld({ key, token }: Options, { options: withheld, target }: Context): Check[] {
  if ((!key || withheld.key) && (!token || withheld.token)) return [];
  const { host } = target.socket;
  const what = [key && "your key", token && "your token"].filter(Boolean).join(" and ");
  const saw = `${what}: not sent to ${host}, which the page names; --ask ${host} does`;
  const check = keyOf({ options: withheld, target }) ? skipped("keys", saw) : blind("keys", saw);
  return [{ ...check, shows: ["withheld"] }];
}

const NOT_REACHED = (["upgrade", "keys", "channels", "relay"] as const)
  .map((area) => skipped(area, "the host is not reached"));

/** The keys come first: what is known of them tells one refusal from another. */
async function lookAtSocket(context: Context): Promise<Check[]> {
  const { progress } = context;
  progress("judging the keys");
  const keys = await guard("keys", () => probeKeys(context));
  progress("asking for the upgrade");
  const upgrade = await guard("upgrade", () => probeUpgrade(context));
  const isOpen = isWell(upgrade);
  progress("joining channels, asking the relay");
  const [channels, relay] = await Promise.all([
    guard("channels", () => isOpen ? openChannels(context) : [SHUT]),
    guard("relay", () => probeRelay(context, isOpen)),
  ]);
  const idle = isOpen ? await guard("upgrade", () => probeIdle(context)) : [];
  return [...keys, ...upgrade, ...channels, ...relay, ...idle];
}

/** PostgreSQL's driver is loaded where there is a database to be asked. */
async function lookAtDatabase(context: Context): Promise<Check[]> {
  if (!context.options.db) {
    return [skipped("tenant", "--db was not given"), skipped("database", "--db was not given")];
  }
  const { probeDatabase } = await import("./probe/database/database.ts");
  return await probeDatabase(context, context.options.db);
}

const SHUT = skipped("channels", "the upgrade fails");

const isWell = (checks: Check[]) => !checks.some(({ state }) => state === "failed");

/** What nobody foresaw in one probe must not hide what the others saw. */
async function guard(area: Area, probe: () => Promise<Check[]> | Check[]): Promise<Check[]> {
  try {
    return await probe();
  } catch (error) {
    return [blind(area, `the doctor failed at it: ${(error as Error).message}`)];
  }
}

/** The row is inserted last: a table that is published anew subscribes every channel again. */
async function openChannels(context: Context): Promise<Check[]> {
  if (context.options.quick) return [skipped("channels", "--quick leaves them out")];
  const channels = await probeChannels(context);
  return isWell(channels) ? [...channels, ...await insertRow(context)] : channels;
}

async function insertRow(context: Context): Promise<Check[]> {
  const { db } = context.options;
  if (!db) return [skipped("channels", "an inserted row: --db was not given")];
  const { probeInsert } = await import("./probe/insert.ts");
  return await probeInsert(context, db);
}
