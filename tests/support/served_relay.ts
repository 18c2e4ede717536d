import assert from "node:assert/strict";
import { type Host, type RelayProcess, type StartOptions, startRelay } from "./relay_host.ts";
import { PUBLISHABLE_KEY, SECRET, signAnonKey } from "./tokens.ts";
import { type Script, startUpstream, type Upstream } from "./upstream.ts";

/** The anon key of the test project. */
export const anonKey = await signAnonKey();

/** The environment of a relay of the test project. */
export const relayEnv = (supabaseUrl: string): Record<string, string> => ({
  SUPABASE_URL: supabaseUrl,
  SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: PUBLISHABLE_KEY }),
  SUPABASE_ANON_KEY: anonKey,
  RELAY_JWT_SECRET: SECRET,
  RELAY_REFUSAL_DELAY_MS: "0",
  // A scripted upstream is dialled by clients alone.
  RELAY_REVOKE: "off",
});

/** What no relay says of anybody; the addresses are those that tests let proxies name. */
export const SECRETS = /eyJ|sb_|test-secret|[?&]\w+=|\b(?:10\.0\.0|6\.6\.6)\.\d/;

/** A relay in front of a scripted upstream, for one test. */
export interface ServedRelay {
  relay: RelayProcess;
  upstream: Upstream;
  /** `ws://…/relay/websocket?vsn=…` with this token. */
  urlWith(token: string, vsn?: string): string;
}

/** What upstream does, more variables for the relay, and how it is started. */
export type RelayOptions = Script & StartOptions & { env?: Record<string, string> };

/**
 * Starts both, runs the test, ends both, and then requires that the relay lived until its end and
 * that nothing it printed holds a token, a key or a query string.
 */
export async function withRelay(
  host: Host,
  { env = {}, entry, permissions, openFiles, onLine, ...script }: RelayOptions,
  test: (served: ServedRelay) => Promise<void>,
): Promise<void> {
  const upstream = startUpstream(script);
  const relay = await startRelay(host, { ...relayEnv(upstream.url), ...env }, {
    entry,
    permissions,
    openFiles,
    onLine,
  });
  const urlWith = (token: string, vsn = "2.0.0") =>
    `ws://${relay.address}/functions/v1/relay/websocket?vsn=${vsn}&jwt=${token}`;
  try {
    await test({ relay, upstream, urlWith });
  } finally {
    await relay.stop();
    await upstream.stop();
  }
  for (const line of relay.output) {
    assert.doesNotMatch(line, SECRETS, "the log holds a secret, a query or an address");
  }
}
