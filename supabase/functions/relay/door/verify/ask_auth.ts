import type { Config } from "../../config/config.ts";
import { ask, type Reply } from "./ask.ts";

/** Asks the project's Auth server, as the project's own client would. Throws as ask() does. */
export function askAuth(
  path: string,
  token: string | undefined,
  { supabaseUrl, upstreamKey }: Config,
  fetch: typeof globalThis.fetch,
): Promise<Reply> {
  const headers = new Headers({ apikey: upstreamKey });
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  return ask(
    { url: new URL(`auth/v1/${path}`, supabaseUrl), headers, whom: "The Auth server" },
    fetch,
  );
}
