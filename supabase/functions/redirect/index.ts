/** Opens short links, on Supabase Edge Runtime and on Deno: this file only translates. */
import { createClient } from "@supabase/supabase-js";
import { createRedirect } from "./redirect.ts";

/** The project's publishable key; empty variables count as absent. */
function publishableKey(): string | undefined {
  const map = Deno.env.get("SUPABASE_PUBLISHABLE_KEYS");
  return (map && JSON.parse(map).default) ||
    Deno.env.get("SUPABASE_PUBLISHABLE_KEY") ||
    Deno.env.get("SUPABASE_ANON_KEY");
}

const url = Deno.env.get("SUPABASE_URL");
const key = publishableKey();
if (!url || !key) {
  throw new Error("SUPABASE_URL and SUPABASE_PUBLISHABLE_KEYS must be set.");
}
const supabase = createClient(url, key, {
  auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
});

const redirect = createRedirect({
  async open(opening, signal) {
    const { data, error } = await supabase.rpc("open_short_link", opening)
      .abortSignal(signal);
    if (!error) return data;
    console.log(
      JSON.stringify({ event: "unanswered", code: error.code || "no answer in time" }),
    );
    throw error;
  },
});

Deno.serve({
  port: Number(Deno.env.get("PORT") || 8788),
  onListen: ({ port }) => console.log(JSON.stringify({ event: "listening", port })),
}, redirect);
