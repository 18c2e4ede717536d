import { findProgram } from "../../support/proxies/start.ts";
import { ownPort } from "../../support/proxies/ports.ts";
import { inTime } from "../../support/in_time.ts";

const LOOK_MS = 50;

/** Why there is no Prometheus here, for the names of tests; empty where there is one. */
export const prometheusMissing = findProgram("prometheus") && findProgram("promtool")
  ? ""
  : " (skipped: prometheus and promtool are not installed)";

/** What a query came to: its series, each with its labels. */
export type Series = { metric: Record<string, string> }[];

/** A Prometheus that reads what its configuration says. */
export interface Prometheus {
  /** The series of an expression now. Throws where it is none. */
  query(expression: string): Promise<Series>;
  /** The same for each second of the last minute. */
  range(expression: string): Promise<Series>;
  /** The values of a label among the series of a selector. */
  labels(label: string, selector: string): Promise<string[]>;
  /** Resolves when an expression has a series. */
  until(expression: string): Promise<void>;
  stop(): Promise<void>;
}

/** Runs promtool in a folder; gives whether it is content, and what it said. */
export async function promtool(cwd: string, args: string[], input = "") {
  const child = new Deno.Command(findProgram("promtool")!, {
    ...{ args, cwd, stdin: "piped", stdout: "piped", stderr: "piped" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const told = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  return { success, told };
}

/** Starts one on a folder that holds its `prometheus.yml`; it writes into that folder. */
export async function startPrometheus(folder: string): Promise<Prometheus> {
  const address = `127.0.0.1:${ownPort()}`;
  const child = new Deno.Command(findProgram("prometheus")!, {
    args: [
      "--config.file=prometheus.yml",
      "--storage.tsdb.path=data",
      `--web.listen-address=${address}`,
      "--log.level=warn",
    ],
    ...{ cwd: folder, stdout: "null", stderr: "piped" },
  }).spawn();
  const output = new Response(child.stderr).text();
  let isOver = false;
  child.status.then(() => isOver = true);

  async function ask<T>(path: string, parameters: Record<string, string>): Promise<T> {
    const answer = await fetch(`http://${address}${path}?${new URLSearchParams(parameters)}`);
    const { status, error, data } = await answer.json();
    if (status !== "success") throw new Error(error);
    return data;
  }

  async function query(expression: string): Promise<Series> {
    return (await ask<{ result: Series }>("/api/v1/query", { query: expression })).result;
  }

  async function look(isThere: () => Promise<boolean>, what: string): Promise<void> {
    let isLate = false;
    const looking = (async () => {
      while (!isLate && !await isThere()) {
        if (isOver) throw new Error(`Prometheus ended:\n${await output}`);
        await new Promise((wake) => setTimeout(wake, LOOK_MS));
      }
    })();
    await inTime(looking, what).finally(() => isLate = true);
  }

  const isReady = () =>
    fetch(`http://${address}/-/ready`).then(async (response) => {
      await response.body?.cancel();
      return response.ok;
    }, () => false);
  const stop = async () => {
    if (!isOver) child.kill("SIGTERM");
    await Promise.all([child.status, output]);
  };
  try {
    await look(isReady, "Prometheus is ready");
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    query,
    async range(expression) {
      const end = Date.now() / 1000;
      const times = { start: String(end - 60), end: String(end), step: "1" };
      const path = "/api/v1/query_range";
      return (await ask<{ result: Series }>(path, { query: expression, ...times })).result;
    },
    labels: (label, selector) => ask(`/api/v1/label/${label}/values`, { "match[]": selector }),
    until: (expression) =>
      look(async () => (await query(expression)).length > 0, `${expression} has a series`),
    stop,
  };
}
