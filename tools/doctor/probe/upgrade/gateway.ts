import { isHere } from "../../ask/home.ts";
import { ask } from "../../ask/raw_http.ts";
import type { Context } from "../../context.ts";
import { isSupabase } from "./words.ts";

/** Where the official compose and the command line have theirs. */
const PORTS = [8000, 54321];

/**
 * host:port of the gateway for the lines to paste: as the .env has it, else, where the front is on
 * this very machine, one that answers here. It is asked for Auth's health, without a key.
 */
export async function findGateway({ options, target }: Context): Promise<string | undefined> {
  const { envFile, waitMs, direct } = options;
  if (direct) return direct.host;
  const port = envFile?.variables.KONG_HTTP_PORT ?? envFile?.variables.API_GATEWAY_HTTP_PORT;
  if (port && /^\d{2,5}$/.test(port)) return `127.0.0.1:${port}`;
  const { hostname } = target.socket;
  if (!isHere(hostname)) return undefined;
  const hosts = PORTS.map((it) => `127.0.0.1:${it}`).filter((it) => it !== target.socket.host);
  const answers = await Promise.all(
    hosts.map((host) =>
      ask(new URL(`http://${host}/auth/v1/health`), {
        upgrade: false,
        waitMs: Math.min(waitMs, 1_000),
      })
        .then(({ body }) => isSupabase(body), () => false)
    ),
  );
  return hosts[answers.indexOf(true)];
}
