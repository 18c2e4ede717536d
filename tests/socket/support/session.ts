import { readConfig } from "../../../supabase/functions/relay/config/config.ts";
import { Measures } from "../../../supabase/functions/relay/measure/measures.ts";
import { Awake } from "../../../supabase/functions/relay/peer/awake.ts";
import { Places } from "../../../supabase/functions/relay/peer/places.ts";
import type { Identity } from "../../../supabase/functions/relay/door/identity.ts";
import { Unsent } from "../../../supabase/functions/relay/peer/unsent.ts";
import { Dialled } from "../../../supabase/functions/relay/realtime/dial.ts";
import type { Runtime } from "../../../supabase/functions/relay/runtime.ts";
import { openSession } from "../../../supabase/functions/relay/socket/session.ts";
import type { Summary } from "../../../supabase/functions/relay/socket/tunnel.ts";
import { viewer } from "./gate.ts";
import { SilentSocket } from "./silent_socket.ts";

/** A session between a client and a Realtime that are not there. */
export function startSession(
  client = new SilentSocket(),
  env: Record<string, string> = {},
  authenticate: () => Promise<Identity> = () => Promise.reject(new Error("nobody asks")),
) {
  const config = readConfig({ SUPABASE_URL: "http://x.test", SUPABASE_ANON_KEY: "anon", ...env });
  const clock = { ms: 0 };
  const upstream = new SilentSocket();
  upstream.open();
  const places = new Places();
  const place = places.take("dialling");
  place.become("open");
  const session = openSession({
    client,
    upstream: new Dialled(upstream),
    unsent: new Unsent(config.maxUnsentBytes),
    place,
    vsn: "2.0.0",
    identity: viewer,
    negotiated: false,
    measures: new Measures(),
    config,
    authenticator: { authenticate },
    runtime: { now: () => clock.ms } as Runtime,
    awake: new Awake(() => clock.ms, false),
  });
  const state: { summary?: Summary } = {};
  session.closed.then((summary) => state.summary = summary);
  return { session, client, upstream, clock, places, state };
}
