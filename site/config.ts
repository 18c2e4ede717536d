/** Where the page finds its project: the one file that differs between two places it is served at. */
export interface Config {
  /** The project, such as `https://abc.supabase.co`; without a slash at its end. */
  url: string;
  /** Its publishable key, or the legacy anon key. */
  key: string;
  /** Default: `<url>/functions/v1/relay`. */
  relay: string;
  /** How clicks arrive. Default: `postgres_changes`; `broadcast` is the path that scales. */
  mode: Mode;
  /** Accounts to try the page with, by email. Default: none. */
  demo: string[];
}

const MODES = ["postgres_changes", "broadcast"] as const;
export type Mode = typeof MODES[number];

/** Fetches config.json, which lies beside the page. Rejects with one sentence. */
export async function loadConfig(
  get: (name: string) => Promise<Response> = fetch,
): Promise<Config> {
  const answer = await get("config.json").catch(() => undefined);
  if (!answer?.ok) {
    const why = answer ? `the server answered ${answer.status}` : "the server did not answer";
    throw new Error(`config.json cannot be read: ${why}.`);
  }
  const text = await answer.text();
  try {
    return readConfig(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Error("config.json is no JSON. deno task site writes it beside index.html.");
  }
}

/** Reads config.json. Throws one sentence that says what is wrong in it and what it wants. */
export function readConfig(value: unknown): Config {
  const { url, key, relay, mode = MODES[0], demo = [] } = (value ?? {}) as Record<string, unknown>;
  const project = webAddress("url", url, "https://abc.supabase.co");
  if (typeof key !== "string" || !key) {
    throw new Error('config.json: "key" wants the project\'s publishable key.');
  }
  if (isSecret(key)) {
    throw new Error('config.json: "key" is a secret key. Rotate it, and use the publishable key.');
  }
  if (!MODES.includes(mode as Mode)) {
    throw new Error(
      `config.json: "mode" wants ${MODES.join(" or ")}, not ${JSON.stringify(mode)}.`,
    );
  }
  return {
    url: project,
    key,
    relay: relay === undefined
      ? `${project}/functions/v1/relay`
      : webAddress("relay", relay, "https://abc.supabase.co/functions/v1/relay"),
    mode: mode as Mode,
    demo: Array.isArray(demo) ? demo.filter((email) => typeof email === "string") : [],
  };
}

function webAddress(name: string, value: unknown, example: string): string {
  if (
    typeof value === "string" && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
  ) {
    return value.replace(/\/+$/, "");
  }
  throw new Error(`config.json: "${name}" wants an address such as ${example}.`);
}

/** Whoever opens the page can read config.json: a key that passes by row security must not be in it. */
function isSecret(key: string): boolean {
  if (key.startsWith("sb_secret_")) return true;
  try {
    const claims = key.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(claims)).role === "service_role";
  } catch {
    return false;
  }
}
