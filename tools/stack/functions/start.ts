import type { Targets } from "../gateway/gateway.ts";
import { functionEnv } from "../info.ts";
import type { Keys } from "../keys.ts";
import type { Log } from "../log.ts";
import type { Parts } from "../parts.ts";
import type { Project } from "../project/project.ts";
import { type Replaceable, replaceable } from "../replaceable.ts";
import { type RunningFunction, startFunction } from "./functions.ts";
import { serveProjectFunctions } from "./project.ts";

interface StartFunctionsOptions {
  keys: Keys;
  /** The gateway's. */
  origin: string;
  /** Whose functions are served too; without one, the stack's own redirect function is. */
  project?: Project;
  /** More variables for the relay, or others in place of the stack's. */
  relayEnv?: Record<string, string>;
  log: Log;
  parts: Parts;
  targets: Targets;
}

/**
 * Starts the stack's own functions, which need nothing but the gateway's address: they start while the
 * database does. Gives the relay; undefined where the project has one of its own.
 */
export async function startFunctions(
  options: StartFunctionsOptions,
): Promise<Replaceable<RunningFunction> | undefined> {
  const { keys, origin, project, relayEnv, log, parts, targets } = options;
  const env = functionEnv(origin, keys);
  const start = (name: "relay" | "redirect", env: () => Record<string, string>) =>
    replaceable(name, () => startFunction(name, env(), log), parts, targets);
  if (!project) {
    const [relay] = await Promise.all([
      start("relay", () => ({ ...env.relay, RELAY_ANONYMOUS: "allow", ...relayEnv })),
      start("redirect", () => env.redirect),
    ]);
    return relay;
  }
  targets.functions = new Map(project.functions.map(({ name }) => [name, NOT_YET]));
  if (project.functions.some(({ name }) => name === "relay")) return undefined;
  const settings = () => ({ ...env.relay, ...relaySettings(project), ...ownSecret(keys) });
  return await start("relay", () => ({ ...settings(), ...relayEnv }));
}

/** A function of a project may ask the database, which is not there yet. */
const NOT_YET = {
  verifyJwt: false,
  open: () => Promise.reject(new Error("The database is not there yet.")),
};

/** What a .env says is another stack's, which signs no token here. */
const ownSecret = ({ jwtSecret }: Keys) => ({ RELAY_JWT_SECRET: jwtSecret });

/** Leads the gateway to a project's functions, each of which starts when somebody asks for it. */
export async function leadToProjectFunctions(
  { keys, origin, project, log, parts, targets }: StartFunctionsOptions & { project: Project },
  databaseUrl: string,
): Promise<void> {
  const env = functionEnv(origin, keys, databaseUrl);
  const { functions } = await parts.add("functions", () =>
    Promise.resolve(serveProjectFunctions({
      ...{ sources: project.functions, directory: project.directory, log },
      envOf: (name) => {
        const all = { ...env.function, ...(name === "relay" && env.relay), ...project.env() };
        return "RELAY_JWT_SECRET" in all ? { ...all, ...ownSecret(keys) } : all;
      },
    })));
  targets.functions = functions;
}

function relaySettings(project: Project): Record<string, string> {
  const all = Object.entries(project.env());
  return Object.fromEntries(all.filter(([name]) => name.startsWith("RELAY_")));
}
