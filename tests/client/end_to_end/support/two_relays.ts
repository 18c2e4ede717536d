import {
  hosts,
  type RelayProcess,
  type StartOptions,
  startRelay,
} from "../../../support/relay_host.ts";
import { relayEnv } from "../../../support/served_relay.ts";
import { startCutProxy } from "../../support/exactly_once/cut_proxy.ts";
import { Realtime } from "./realtime.ts";

/** Two relays of one project behind one address, which leads to the first until it is told to end. */
export interface TwoRelays {
  /** For relayTransport(). */
  relay: string;
  /** Cuts all connections of now. */
  cut(): void;
  /** SIGTERM to the first; new sockets go to the second. Resolves when the first has ended. */
  handOver(): Promise<void>;
}

/** Runs a test in front of two relays with these variables; `options` are of the first and the second. */
export async function withTwoRelays<R>(
  environment: Record<string, string>,
  test: (relays: TwoRelays) => Promise<R>,
  options: StartOptions[] = [{}, {}],
): Promise<R> {
  const started: RelayProcess[] = [];
  for (const each of options) started.push(await startRelay(hosts[0], environment, each));
  const [first, second] = started;
  const front = await startCutProxy(first.address);
  try {
    return await test({
      relay: `http://${front.address}/functions/v1/relay`,
      cut: () => void front.cut("reset"),
      async handOver() {
        front.lead(second.address);
        first.signal("SIGTERM");
        await first.exited;
      },
    });
  } finally {
    await front.stop();
    await Promise.all(started.map((relay) => relay.stop()));
  }
}

/** The same in front of a scripted Realtime, for people who are not signed in. */
export async function withScriptedRelays(
  test: (relays: TwoRelays, realtime: Realtime) => Promise<void>,
  environment: Record<string, string> = {},
): Promise<void> {
  const realtime = new Realtime();
  const env = { ...relayEnv(realtime.upstream.url), RELAY_ANONYMOUS: "allow", ...environment };
  try {
    await withTwoRelays(env, (relays) => test(relays, realtime));
  } finally {
    await realtime.upstream.stop();
  }
}
