import { type Config, otherEntrypoint } from "../config/parse.ts";
import type { Facts } from "./facts.ts";
import { issuersOf } from "./sign_in.ts";

/** The next three commands for this project. */
export function nextSteps(config: Config, { ref }: Facts, hasMigrations: boolean): string[] {
  const link = ref ? [] : ["supabase link --project-ref <ref>"];
  const push = hasMigrations ? ["supabase db push --linked"] : [];
  const first = [...link, ...push].join(" && ");
  const health = `curl https://${ref ?? "<ref>"}.supabase.co/functions/v1/relay/health`;
  const steps = [secrets(config), "supabase functions deploy relay"];
  return first ? [first, ...steps] : [...steps, health];
}

function secrets(config: Config): string {
  const issuers = issuersOf(config);
  const variables = [`RELAY_ORIGINS=${pageOf(config)}`];
  if (issuers.length > 0) variables.push(`RELAY_ISSUERS='${JSON.stringify(issuers)}'`);
  return `supabase secrets set ${variables.join(" ")}`;
}

/** The page that config.toml names, where that is not this machine's. */
function pageOf({ auth }: Config): string {
  const site = (auth as { site_url?: unknown } | undefined)?.site_url;
  try {
    const { origin, protocol, hostname } = new URL(String(site));
    if (protocol === "https:" && !/^(localhost|127\.|\[::1\])/.test(hostname)) return origin;
  } catch {
    // None, or a text with env() in it.
  }
  return "https://<your page>";
}

/** What else this project should know, in sentences. */
export function hints(config: Config, { keys, ignored = [] }: Facts): string[] {
  const all: string[] = [];
  if (ignored.length > 0) {
    all.push(
      `Git passes over ${
        ignored.join(" and ")
      }, which whoever deploys from the repository needs: ` +
        `git add -f ${ignored.join(" ")}`,
    );
  }
  if (keys === "legacy") {
    all.push(
      "This project uses legacy keys. The relay works with them and asks Auth about each new token; " +
        "supabase secrets set RELAY_JWT_SECRET=… (Settings, JWT Keys) spares that.",
    );
  }
  if (config.functions?.relay?.enabled === false) {
    all.push("config.toml says enabled = false for functions.relay: it will not be deployed.");
  }
  const entrypoint = otherEntrypoint(config);
  if (entrypoint !== undefined) {
    all.push(
      `config.toml says entrypoint = "${entrypoint}" for functions.relay, which is not the relay's: ` +
        "take that line out.",
    );
  }
  if (config.edge_runtime?.policy === "oneshot") {
    all.push(
      'config.toml says policy = "oneshot" for edge_runtime: in supabase functions serve a socket then ' +
        'ends with its request. Take "per_worker".',
    );
  }
  return [...all, VISITORS];
}

const VISITORS =
  "Visitors who never sign in need RELAY_ANONYMOUS=allow; users are served as it is.";
