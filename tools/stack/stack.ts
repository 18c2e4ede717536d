import { startApi } from "./api.ts";
import { type RunningFunction, startFunction } from "./functions.ts";
import { type Gateway, startGateway, type Targets } from "./gateway.ts";
import { describe, functionEnv, type StackInfo } from "./info.ts";
import { type Keys, loadKeys } from "./keys.ts";
import type { Log } from "./log.ts";
import { migrate } from "./migrate.ts";
import { Parts } from "./parts.ts";
import { type Postgres, startPostgres } from "./postgres.ts";
import { type Realtime, startRealtime } from "./realtime/mod.ts";

export interface StackOptions {
  /** Keeps the database and the keys between runs. */
  dataDir: string;
  /** Of the one origin, on 127.0.0.1. Default: any free one. */
  port?: number;
  /** Of Postgres, if it is free. Default, and else: any free one below 32768. */
  databasePort?: number;
  /** Settings of the Postgres server, such as `{ fsync: "off" }` in tests. */
  databaseSettings?: Record<string, string>;
  /** More variables for the relay, or others in place of the stack's. */
  relayEnv?: Record<string, string>;
  /** What is served outside of Supabase's own paths. */
  site?: Targets["site"];
  /** Told what takes long, while it happens. */
  progress?: (what: string) => void;
  log?: Log;
  /** Ends a start that is under way; startStack() then rejects, and nothing is left running. */
  signal?: AbortSignal;
}

/** A running stack. */
export interface Stack {
  info: StackInfo;
  /** The ones of now: another after each restart. */
  readonly postgres: Postgres;
  readonly realtime: Realtime;
  readonly relay: RunningFunction;
  /** Resolves with a sentence when a part ends that was not asked to. */
  exited: Promise<string>;
  /** Ends every part, the consumers before what they consume. May be called twice. */
  stop(): Promise<void>;
  /** For tests: the same part again, at another port behind the same origin. */
  restartRealtime(): Promise<void>;
  restartRelay(): Promise<void>;
  /** For tests: SIGKILL for Postgres, and a new one on its data and port. */
  crashPostgres(): Promise<void>;
}

/**
 * Starts Postgres, REST and Auth, the migrations, Realtime, the relay and the redirect function
 * behind one gateway. The gateway comes first: a taken port is found out before anything starts, and
 * until all is ready it answers 503. Rejects with one sentence, leaving nothing behind.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const parts = new Parts();
  const abort = () => parts.stop();
  options.signal?.throwIfAborted();
  options.signal?.addEventListener("abort", abort);
  try {
    const stack = await start(options, parts);
    options.signal?.throwIfAborted();
    return stack;
  } catch (error) {
    await parts.stop();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", abort);
  }
}

async function start(options: StackOptions, parts: Parts): Promise<Stack> {
  const { dataDir, progress = () => {}, log = () => {} } = options;
  const keys = await loadKeys(dataDir);
  const targets: Targets = { site: options.site };
  const gateway = await parts.add("gateway", () => listen(options.port, keys, targets));
  // These need nothing but the gateway's address: they start while the database does.
  const env = functionEnv(gateway.url, keys);
  const functions = Promise.all([
    replaceable(
      "relay",
      () => startFunction("relay", { ...env.relay, ...options.relayEnv }, log),
      parts,
      targets,
    ),
    replaceable("redirect", () => startFunction("redirect", env.redirect, log), parts, targets),
  ]);
  // Awaited below; if something else fails first, that is what is told.
  functions.catch(() => {});

  const { api, ...database } = await startDatabase(options, keys, gateway.url, parts);
  let { postgres } = database;
  const [realtime] = await Promise.all([
    replaceable("realtime", () => serveRealtime(postgres, keys, log), parts, targets),
    api.ready(),
  ]);
  const late = setTimeout(() => progress("fetching the packages of the functions"), SLOW_MS);
  const [relay] = await functions.finally(() => clearTimeout(late));
  targets.api = api.fetch;
  return {
    info: describe(gateway.url, postgres.adminUrl, keys, api.users),
    get postgres() {
      return postgres;
    },
    get realtime() {
      return realtime.current;
    },
    get relay() {
      return relay.current;
    },
    exited: parts.exited,
    stop: () => parts.stop(),
    restartRealtime: realtime.restart,
    restartRelay: relay.restart,
    async crashPostgres() {
      const { port } = postgres;
      postgres.kill();
      await parts.take("postgres");
      postgres = await parts.add(
        "postgres",
        () => startPostgres({ dataDir, port, settings: options.databaseSettings }),
      );
    },
  };
}

/** Starting the functions takes a second; more than this and packages are being downloaded. */
const SLOW_MS = 3_000;

async function listen(port = 0, keys: Keys, targets: Targets): Promise<Gateway> {
  try {
    return await startGateway({ port, keys, targets });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "EADDRINUSE") {
      throw new Error(`Port ${port} is taken: stop what listens there, or choose another --port.`);
    }
    if (code === "EACCES") {
      throw new Error(`Port ${port} needs more rights than you have: choose a --port above 1023.`);
    }
    throw error;
  }
}

async function startDatabase(options: StackOptions, keys: Keys, siteUrl: string, parts: Parts) {
  const { dataDir, databasePort, databaseSettings: settings, progress, log, signal } = options;
  const postgres = await parts.add(
    "postgres",
    () => startPostgres({ dataDir, preferredPort: databasePort, settings, progress }),
  );
  const databaseUrl = postgres.url;
  const api = await parts.add("api", () => startApi({ databaseUrl, keys, siteUrl, log }));
  await migrate({ databaseUrl, progress, signal });
  return { postgres, api };
}

function serveRealtime({ adminUrl }: Postgres, { jwtSecret }: Keys, log: Log): Promise<Realtime> {
  return startRealtime({
    databaseUrl: adminUrl,
    jwtSecret,
    log: (line) => log({ part: "realtime", ...line }),
  });
}

/** Starts a server, leads the gateway to it, and does both again on demand. */
async function replaceable<P extends { url: string; stop(): Promise<void> }>(
  name: "relay" | "redirect" | "realtime",
  start: () => Promise<P>,
  parts: Parts,
  targets: Targets,
): Promise<{ readonly current: P; restart(): Promise<void> }> {
  let current = await parts.add(name, start);
  targets[name] = current.url;
  return {
    get current() {
      return current;
    },
    async restart() {
      targets[name] = undefined;
      await parts.take(name);
      current = await parts.add(name, start);
      targets[name] = current.url;
    },
  };
}
