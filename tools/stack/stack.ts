import { startDatabase } from "./database.ts";
import type { RunningFunction } from "./functions/functions.ts";
import { startFunctions } from "./functions/start.ts";
import { type Gateway, startGateway, type Targets } from "./gateway/gateway.ts";
import { describe, type StackInfo } from "./info.ts";
import { type Keys, loadKeys } from "./keys.ts";
import type { Log } from "./log.ts";
import { Parts } from "./parts.ts";
import { type Postgres, startPostgres } from "./postgres/postgres.ts";
import type { Project } from "./project/project.ts";
import { choosePorts, hideFromGit, serveProject } from "./project/serve.ts";
import { type Realtime, startRealtime } from "./realtime/mod.ts";
import { type Replaceable, replaceable } from "./replaceable.ts";

export interface StackOptions {
  /** Keeps the database and the keys between runs. */
  dataDir: string;
  /**
   * Somebody's project, whose migrations, seeds, functions and ports are used in place of this one's;
   * the relay is there unless it has a function of that name.
   */
  project?: Project;
  /** Leaves out the statements of its migrations and seeds that fail. Default: the start fails. */
  skipFailing?: boolean;
  /** Of the one origin, on 127.0.0.1. Default: the project's or the next free, else any free one. */
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
  /** Throws where a project has a relay of its own. */
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
  const { dataDir, project, progress = () => {}, log = () => {} } = options;
  const keys = await loadKeys(dataDir);
  if (project) await hideFromGit(dataDir);
  const targets: Targets = { site: options.site };
  const ports = project && choosePorts(project, options.port);
  const port = options.port ?? ports?.api.used;
  const gateway = await parts.add("gateway", () => listen(port, keys, targets));
  const common = { ...options, keys, origin: gateway.url, progress, log, parts, targets };
  const functions = startFunctions(common);
  // Awaited below; if something else fails first, that is what is told.
  functions.catch(() => {});

  const databasePort = ports?.db.used ?? options.databasePort;
  const { api, ...database } = await startDatabase({ ...common, databasePort }, parts);
  const { postgres } = database;
  const ownInfo = project && ports &&
    await serveProject({ ...common, project, ports, ...database });
  const [realtime] = await Promise.all([
    replaceable("realtime", () => serveRealtime(postgres, keys, log), parts, targets),
    api.ready(),
  ]);
  const late = setTimeout(() => progress("fetching the packages of the functions"), SLOW_MS);
  const relay = await functions.finally(() => clearTimeout(late));
  targets.api = api.fetch;
  if (project?.config.storage.enabled) targets.storage = api.fetch;
  const info = { ...describe(gateway.url, postgres.adminUrl, keys, api.users), ...ownInfo };
  return control(options, parts, { info, postgres, realtime, relay });
}

interface Running {
  info: StackInfo;
  postgres: Postgres;
  realtime: Replaceable<Realtime>;
  /** Undefined where a project has one of its own. */
  relay: Replaceable<RunningFunction> | undefined;
}

/** What can be done with a stack that runs. */
function control(options: StackOptions, parts: Parts, running: Running): Stack {
  const { info, realtime } = running;
  let { postgres } = running;
  const relay = () => {
    if (!running.relay) throw new Error("The relay is a function of the project.");
    return running.relay;
  };
  return {
    info,
    get postgres() {
      return postgres;
    },
    get realtime() {
      return realtime.current;
    },
    get relay() {
      return relay().current;
    },
    exited: parts.exited,
    stop: () => parts.stop(),
    restartRealtime: realtime.restart,
    restartRelay: () => relay().restart(),
    async crashPostgres() {
      const { dataDir, project, databaseSettings: settings } = options;
      const { port } = postgres;
      postgres.kill();
      await parts.take("postgres");
      const forProject = project !== undefined;
      const start = () => startPostgres({ dataDir, port, settings, forProject });
      postgres = await parts.add("postgres", start);
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

function serveRealtime({ adminUrl }: Postgres, { jwtSecret }: Keys, log: Log): Promise<Realtime> {
  return startRealtime({
    databaseUrl: adminUrl,
    jwtSecret,
    log: (line) => log({ part: "realtime", ...line }),
  });
}
