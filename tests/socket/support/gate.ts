import { createAuthenticator } from "../../../supabase/functions/relay/door/authenticate.ts";
import type { Identity } from "../../../supabase/functions/relay/door/identity.ts";
import { readConfig } from "../../../supabase/functions/relay/config/config.ts";
import { Gate } from "../../../supabase/functions/relay/socket/gate.ts";
import type { Message } from "../../../supabase/functions/relay/runtime.ts";
import type { Vsn } from "../../../supabase/functions/relay/realtime/upstream.ts";
import { PUBLISHABLE_KEY, SECRET } from "../../support/tokens.ts";

const configWith = (env: Record<string, string>) =>
  readConfig({
    SUPABASE_URL: "http://127.0.0.1:1",
    SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
    RELAY_JWT_SECRET: SECRET,
    ...env,
  });

const authenticator = createAuthenticator(configWith({}), fetch, Date.now);

export const viewer: Identity = { kind: "anonymous" };

export const userWith = (token: string): Promise<Identity> =>
  authenticator.authenticate({ kind: "token", token });

export interface GateSetUp {
  vsn?: Vsn;
  env?: Record<string, string>;
  now?: () => number;
}

/** A gate, with all that it did, in its order: what it passed, answered, left and took over. */
export function openGate(
  identity: Identity,
  { vsn = "2.0.0", env = {}, now = Date.now }: GateSetUp,
) {
  const answers: unknown[] = [];
  const identities: Identity[] = [];
  const left: string[] = [];
  const leftRefs: unknown[] = [];
  const order: string[] = [];
  let joins = 0;
  const options = { identity, vsn, config: configWith(env), authenticator, runtime: { now } };
  const gate = new Gate(options, {
    answer(text) {
      answers.push(JSON.parse(text));
      order.push(`answer ${eventOf(text)}`);
    },
    leave(topic, joinRef) {
      left.push(topic);
      leftRefs.push(joinRef);
      order.push(`leave ${topic}`);
    },
    onIdentity: (next) => identities.push(next),
    onJoin: () => joins++,
  });
  /** What goes upstream for a message. */
  async function judge(message: Message): Promise<Message | undefined> {
    const passed = (await gate.judge(message))?.message;
    if (typeof passed === "string") order.push(`pass ${eventOf(passed)}`);
    return passed;
  }
  return {
    answers,
    identities,
    left,
    leftRefs,
    order,
    judge,
    channels: gate.channels,
    joins: () => joins,
  };
}

function eventOf(text: string): string {
  const frame = JSON.parse(text);
  return Array.isArray(frame) ? frame[3] : frame.event;
}
