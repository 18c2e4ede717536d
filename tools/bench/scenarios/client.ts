import { createClient } from "@supabase/supabase-js";
import { relayTransport } from "../../../client/mod.ts";
import { cpuOf } from "../cpu.ts";
import { message } from "../load/frames.ts";
import type { Samples } from "../samples.ts";

export interface ClientPlan {
  rounds: number;
  /** That a client is told in a measurement. */
  frames: number;
}

const TOPIC = "clicks";

/** How many frames are in a message: alone, as the rows of a commit, as many as 64 kB hold. */
const TOGETHER = [1, 20, 200];

/** What supabase-js takes for a frame, by its own socket and by this transport, alone and in batches. */
export async function measureClient(
  { rounds, frames }: ClientPlan,
  samples: Samples,
): Promise<void> {
  const clients = [await startClient("supabase-js alone"), await startClient("this client")];
  for (let round = -1; round < rounds; round++) {
    for (const together of TOGETHER) {
      for (const { name, tell, count } of clients) {
        if (together > 1 && name !== "this client") continue;
        const [before, heard] = [cpuOf([Deno.pid]), count()];
        for (let sent = 0; sent < frames; sent += together) tell(together);
        while (count() < heard + frames) await new Promise((wake) => setTimeout(wake));
        if (round < 0) continue;
        const scenario = `taking frames apart, ${together} in a message`;
        const us = (cpuOf([Deno.pid]) - before) / frames;
        samples.add(scenario, "µs CPU a frame", name, us);
      }
    }
  }
  for (const { stop } of clients) await stop();
}

/** A client that has joined a channel, over a socket without a network. */
async function startClient(name: "supabase-js alone" | "this client") {
  let socket: StandIn | undefined;
  class Dialled extends StandIn {
    constructor(_url: string | URL, protocols?: string | string[]) {
      super([protocols ?? []].flat());
      socket = this;
    }
  }
  const host = { WebSocket: Dialled as unknown as typeof WebSocket };
  const transport = name === "this client"
    ? relayTransport({ relay: "http://relay.test/relay", host })
    : host.WebSocket;
  const client = createClient("http://project.test", "sb_publishable_bench", {
    realtime: { transport },
  });
  let heard = 0;
  const joined = Promise.withResolvers<void>();
  client.channel(TOPIC).on("broadcast", { event: "*" }, () => heard++).subscribe((status) => {
    if (status === "SUBSCRIBED") joined.resolve();
  });
  await joined.promise;
  const frame = new TextDecoder().decode(message("text", 300, `realtime:${TOPIC}`));
  return {
    name,
    count: () => heard,
    tell: (together: number) => socket!.tell(Array(together).fill(frame).join("\n")),
    async stop() {
      await client.removeAllChannels();
      await client.realtime.disconnect();
    },
  };
}

/** A socket whose other end answers as Realtime does. */
class StandIn {
  readyState = 0;
  binaryType = "arraybuffer";
  bufferedAmount = 0;
  readonly protocol: string;
  onopen: ((event: unknown) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: unknown) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;

  constructor([protocol = ""]: string[]) {
    this.protocol = protocol;
    queueMicrotask(() => {
      this.readyState = 1;
      this.onopen?.({});
    });
  }

  tell(data: string): void {
    this.onmessage?.({ data });
  }

  send(text: string): void {
    const [joinRef, ref, topic, event] = JSON.parse(text);
    const response = event === "phx_join" ? { postgres_changes: [] } : {};
    const reply = [joinRef, ref, topic, "phx_reply", { status: "ok", response }];
    queueMicrotask(() => this.tell(JSON.stringify(reply)));
  }

  close(code = 1000, reason = ""): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    queueMicrotask(() => this.onclose?.({ code, reason, wasClean: true }));
  }
}
