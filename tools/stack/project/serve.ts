import { join } from "node:path";
import type { startDatabase } from "../database.ts";
import { leadToProjectFunctions } from "../functions/start.ts";
import { functionUrls, type ProjectInfo } from "../info.ts";
import { choosePort, type Port, tellPorts } from "./ports.ts";
import type { Project } from "./project.ts";

/** The ports of a project's config.toml, or the next that are free; a `port` that is given counts. */
export function choosePorts({ config }: Project, port: number | undefined): ProjectInfo["PORTS"] {
  const api = port === undefined ? choosePort(config.api.port) : { asked: port, used: port };
  return { api, db: choosePort(config.db.port, [api.used]) };
}

/** Keeps the stack's data, keys among it, out of the project's history. */
export async function hideFromGit(dataDir: string): Promise<void> {
  await Deno.writeTextFile(join(dataDir, ".gitignore"), "*\n");
}

type ServeProjectOptions =
  & Parameters<typeof leadToProjectFunctions>[0]
  & { progress: (what: string) => void; ports: { api: Port; db: Port } }
  & Omit<Awaited<ReturnType<typeof startDatabase>>, "api">;

/** Opens the way to a project's functions, and says what is other than its files say. */
export async function serveProject(options: ServeProjectOptions): Promise<ProjectInfo> {
  const { project, origin, postgres, leftOut, progress } = options;
  await leadToProjectFunctions(options, postgres.url);
  const api = { ...options.ports.api, used: Number(new URL(origin).port) };
  // What was asked on the command line is no other port than asked.
  if (api.asked === 0) api.asked = api.used;
  const ports = { api, db: { ...options.ports.db, used: postgres.port } };
  for (const sentence of [tellPorts(ports), ...project.notes]) if (sentence) progress(sentence);
  return {
    PROJECT: project.directory,
    FUNCTIONS: functionUrls(origin, project.functions.map(({ name }) => name)),
    PORTS: ports,
    LEFT_OUT: leftOut,
  };
}
