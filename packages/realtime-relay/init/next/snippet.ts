import type { Config } from "../config/parse.ts";
import type { Facts } from "./facts.ts";
import { issuersOf } from "./sign_in.ts";

/** The oldest supabase-js that sets handlers on a transport of its own. */
const OLDEST = [2, 57];

/** How the page's client is pointed at the relay. The key is the page's own, by its usual name. */
export function snippet(config: Config, { ref, keys }: Facts): string {
  const key = keys === "legacy" ? "anonKey" : "publishableKey";
  const isTheirs = issuersOf(config).length > 0;
  const token = isTheirs
    ? "const token = async (): Promise<string | null> => /* your provider's token for Supabase */ null;"
    : `const token = async (): Promise<string | null> =>
  (await supabase.auth.getSession()).data.session?.access_token ?? null;`;
  const options = isTheirs
    ? "{ accessToken: token, realtime: { transport } }"
    : "{ realtime: { transport } }";
  return `import { createClient } from "@supabase/supabase-js";
import { relayTransport } from "realtime-relay/client";

const url = "https://${ref ?? "<ref>"}.supabase.co";
${token}
const transport = relayTransport({ relay: \`\${url}/functions/v1/relay\`, token });
const supabase = createClient(url, ${key}, ${options});`;
}

/** What to know about the version that a package.json asks for. */
export function aboutVersion({ supabaseJs }: Facts): string {
  const wanted = `@supabase/supabase-js ${OLDEST.join(".")} or newer`;
  if (!supabaseJs) return `with ${wanted}`;
  const { range } = supabaseJs;
  const named = /\d+(\.\d+)?/.exec(range)?.[0] ?? OLDEST.join(".");
  const [major, minor = Infinity] = named.split(".").map(Number);
  const isOld = major < OLDEST[0] || major === OLDEST[0] && minor < OLDEST[1];
  const asked = range.replace(/[^\w.^~<>=*|: -]/g, "").slice(0, 40);
  return isOld ? `with ${wanted} (${asked} is too old)` : `with @supabase/supabase-js ${asked}`;
}
