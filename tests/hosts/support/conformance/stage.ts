import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { type Client, connect, type ConnectOptions } from "../../../support/client.ts";
import { relayEnv } from "../../../support/served_relay.ts";
import { sign } from "../../../support/tokens.ts";
import { type Script, startUpstream, type Upstream } from "../../../support/upstream.ts";
import type { ConformanceHost, RunningHost } from "./hosts.ts";

/** A relay on some host, in front of an upstream that does what a sentence needs. */
export interface Stage {
  /** `127.0.0.1:<port>`. */
  address: string;
  upstream: Upstream;
  /** What upstream does; at the begin of each sentence it echoes. */
  script: Script;
  /** Everything that the host printed. */
  output(): string[];
  /** Opens a socket with a good token in its query, or with other options. */
  open(options?: ConnectOptions & { query?: string }): Promise<Client>;
  /** The numbers of GET /relay/health. */
  health(): Promise<{ sockets: { open: number; served: number }; fromClient: unknown }>;
  /** Drops every connection between the relay and upstream, without a close frame. */
  cutUpstream(): void;
}

/** A sentence that holds on every host, and its proof. */
export type Sentences = Record<string, (stage: Stage) => Promise<void>>;

export const PATH = "/functions/v1/relay/websocket?vsn=2.0.0";

export const HEARTBEAT = '[null,"1","phoenix","heartbeat",{}]';

const echo: Script = {
  onSocket: (socket) => {
    socket.onmessage = ({ data }) => socket.send(data);
  },
};

/** Asks for an upgrade byte by byte, and reads the head of the answer and no more. */
export async function openRaw({ address }: Stage, query: string, ...headers: string[]) {
  const [hostname, port] = address.split(":");
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = [
    `GET ${PATH}${query} HTTP/1.1`,
    `Host: ${address}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    ...headers,
  ];
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  let head = "";
  const byte = new Uint8Array(1);
  while (!head.endsWith("\r\n\r\n") && await connection.read(byte)) {
    head += String.fromCharCode(byte[0]);
  }
  return { connection, head };
}

/** Gives `stage.script` its first state back. */
export function reset(stage: Stage): Stage {
  for (const name of Object.keys(stage.script)) delete stage.script[name as keyof Script];
  Object.assign(stage.script, echo);
  return stage;
}

/** Starts a host and its upstream, and ends both after the work. */
export async function withStage(
  host: ConformanceHost,
  environment: Record<string, string>,
  work: (stage: Stage) => Promise<void>,
): Promise<void> {
  const script: Script = {};
  const upstream = startUpstream(script);
  const cable = await startCable(Number(new URL(upstream.url).port));
  let running: RunningHost | undefined;
  try {
    running = await host.start({ ...relayEnv(cable.url), ...environment });
    const { address } = running;
    const token = await sign();
    await work({
      address,
      upstream,
      script,
      output: () => running!.output,
      open: ({ query = `&jwt=${token}`, ...options } = {}) =>
        Promise.resolve(connect(`ws://${address}${PATH}${query}`, options)),
      health: async () => await (await fetch(`http://${address}/relay/health`)).json(),
      cutUpstream: cable.cut,
    });
  } finally {
    await running?.stop();
    await cable.stop();
    await upstream.stop();
  }
}

/** What lies between the relay and upstream, and can be cut. */
async function startCable(port: number) {
  const ends = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectTcp({ host: "127.0.0.1", port });
    for (const [end, other] of [[near, far], [far, near]]) {
      ends.add(end);
      end.on("error", () => end.destroy());
      end.once("close", () => ends.delete(end) && other.destroySoon());
      end.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => ends.forEach((end) => end.destroy());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      return closed;
    },
  };
}
