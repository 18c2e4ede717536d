import assert from "node:assert/strict";
import { createClient, type Session, type SupabaseClient } from "@supabase/supabase-js";
import { type Client, connect } from "../../support/client.ts";
import { inTime } from "../../support/in_time.ts";
import { hosts, type RelayProcess, startRelay } from "../../support/relay_host.ts";
import type { TestStack } from "../../support/stack.ts";

/** A relay in a process of its own, in front of the stack, or of what leads there. */
export const relayOf = ({ info }: TestStack, url = info.API_URL): Promise<RelayProcess> =>
  startRelay(hosts[0], {
    SUPABASE_URL: url,
    SUPABASE_PUBLISHABLE_KEY: info.PUBLISHABLE_KEY,
    RELAY_JWT_SECRET: info.JWT_SECRET,
    RELAY_REFUSAL_DELAY_MS: "0",
  });

export interface SignedIn {
  client: SupabaseClient;
  session: Session;
}

const supabase = ({ info }: TestStack) =>
  createClient(info.API_URL, info.PUBLISHABLE_KEY, {
    auth: { persistSession: false, autoRefreshToken: false },
  });

/** Signs in, which begins a session of its own. */
export async function signIn(stack: TestStack, n = 0): Promise<SignedIn> {
  const client = supabase(stack);
  const { email, password } = stack.info.USERS[n];
  const { data, error } = await client.auth.signInWithPassword({ email, password });
  if (error) throw error;
  return { client, session: data.session };
}

/** Somebody new. */
export async function signUp(stack: TestStack): Promise<SignedIn> {
  const client = supabase(stack);
  const email = `${crypto.randomUUID()}@example.com`;
  const { data, error } = await client.auth.signUp({ email, password: crypto.randomUUID() });
  if (error) throw error;
  return { client, session: data.session! };
}

/** Opens a socket with the session's token. */
export async function open({ address }: RelayProcess, { access_token }: Session): Promise<Client> {
  const client = connect(`ws://${address}/relay/websocket?vsn=2.0.0`, {
    protocols: ["realtime-relay.v1", `jwt-${access_token}`],
  });
  await client.opened;
  return client;
}

export const revocation = async ({ address }: RelayProcess): Promise<string> =>
  (await (await fetch(`http://${address}/relay/health`)).json()).revocation;

/** Resolves when the relay says so of itself. */
export async function untilSaid(relay: RelayProcess, said: RegExp): Promise<void> {
  while (!said.test(await revocation(relay))) await new Promise((wake) => setTimeout(wake, 50));
}

export const untilOn = (relay: RelayProcess): Promise<void> => untilSaid(relay, /^on$/);

export async function untilRefused(
  relay: RelayProcess,
  { access_token }: Session,
): Promise<void> {
  for (;;) {
    const verdict = await fetch(`http://${relay.address}/relay?jwt=${access_token}`);
    const { code } = await verdict.json();
    if (code === "signed_out") return;
    assert.equal(code, "upgrade_required");
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

export async function assertEnds({ closed }: Client, what: string): Promise<void> {
  const { code, reason } = await inTime(closed, what);
  assert.equal(code, 4401, what);
  assert.match(reason, /^signed_out: /);
}

/** Joins a channel, without which a socket is not kept for long. */
export async function join(client: Client): Promise<Client> {
  client.send('["1","1","realtime:room","phx_join",{"config":{}}]');
  assert.match(String(await client.next()), /"phx_reply",\{"status":"ok"/);
  return client;
}

/** Fails where it does not answer a heartbeat. */
export async function assertLives(client: Client): Promise<void> {
  client.send('[null,"h","phoenix","heartbeat",{}]');
  while (!/"h","phoenix","phx_reply"/.test(String(await client.next())));
}
