import { connect } from "../../support/client.ts";
import {
  type EdgeHost,
  edgeMissing,
  type EdgeOptions,
  startEdgeHost,
} from "../../support/edge/host.ts";
import { inTime } from "../../support/in_time.ts";
import { relayEnv } from "../../support/served_relay.ts";
import { sign } from "../../support/tokens.ts";
import { type Script, startUpstream, type Upstream } from "../../support/upstream.ts";

export const PATH = "/functions/v1/relay/websocket?vsn=2.0.0";
export const HEARTBEAT = '[null,"1","phoenix","heartbeat",{}]';
/** Some workers' lives. */
const DEADLINE_MS = 90_000;

/** Answers every text with itself. */
const echo: Script = {
  onSocket: (socket) => {
    socket.onmessage = ({ data }) => socket.send(data);
  },
};

export interface Stage {
  host: EdgeHost;
  /** What upstream does. */
  script: Script;
  upstream: Upstream;
  /** Opens a socket as a browser does, its token in a subprotocol behind others. */
  open(token?: string, ...protocols: string[]): ReturnType<typeof connect>;
}

/** Registers a test on a host with these options, and more variables for the relay. */
export function testOnEdge(
  name: string,
  { env = {}, ...options }: EdgeOptions & { env?: Record<string, string> },
  test: (stage: Stage) => Promise<void>,
): void {
  async function fn() {
    const token = await sign();
    const script = { ...echo };
    const upstream = startUpstream(script);
    const host = await startEdgeHost({ ...relayEnv(upstream.url), ...env }, options);
    const open = (other = token, ...protocols: string[]) =>
      connect(`ws://${host.address}${PATH}`, { protocols: [...protocols, `jwt-${other}`] });
    try {
      await inTime(test({ host, script, upstream, open }), name, DEADLINE_MS);
    } finally {
      await host.stop();
      await upstream.stop();
    }
  }
  Deno.test({ name: `Edge Runtime: ${name}${edgeMissing}`, ignore: edgeMissing !== "", fn });
}
