import assert from "node:assert/strict";
import type { Mode } from "../../site/config.ts";
import { Live } from "../../site/data/live.ts";
import { Reading } from "../../site/data/reading.ts";
import { FakeTime } from "../support/fake_time.ts";

// Live tells people what it does; here nobody looks.
console.info = console.warn = () => {};

/** Lets promises that are settled be heard. */
const settle = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

Deno.test("Reading asks one at a time, and once more for all who asked meanwhile", async () => {
  const asked: PromiseWithResolvers<number>[] = [];
  const done: number[] = [];
  const reading = new Reading<number>({
    read() {
      asked.push(Promise.withResolvers());
      return asked.at(-1)!.promise;
    },
    done: (read) => done.push(read),
    failed: assert.fail,
  });
  for (let count = 0; count < 3; count++) reading.start();
  assert.equal(asked.length, 1);
  asked[0].resolve(1);
  await settle();
  assert.equal(asked.length, 2);
  asked[1].resolve(2);
  await settle();
  assert.deepEqual([asked.length, done], [2, [1, 2]]);
});

Deno.test("Reading that failed is tried again by itself", async () => {
  using time = new FakeTime();
  const told: string[] = [];
  let down = true;
  const reading = new Reading({
    read: () => down ? Promise.reject(new Error("down")) : Promise.resolve("up"),
    done: (read) => told.push(read),
    failed: (error) => told.push((error as Error).message),
  });
  await reading.start();
  time.until(4999);
  down = false;
  await settle();
  assert.deepEqual(told, ["down"]);
  time.until(5000);
  await settle();
  assert.deepEqual(told, ["down", "up"]);
  time.until(60_000);
  await settle();
  assert.equal(told.length, 2);
});

/** As much of supabase-js as Live takes, and what it tells Live. */
class Channels {
  readonly removed: string[] = [];
  readonly system = new Map<string, (message: Record<string, string>) => void>();
  readonly status = new Map<string, (status: string, error?: Error) => void>();
  readonly realtime = { isConnected: () => true };

  channel(topic: string) {
    const channel = {
      topic,
      on: (type: string, _filter: unknown, heard: (message: Record<string, string>) => void) => {
        if (type === "system") this.system.set(topic, heard);
        return channel;
      },
      subscribe: (heard: (status: string, error?: Error) => void) => {
        this.status.set(topic, heard);
        return channel;
      },
    };
    return channel;
  }

  removeChannel({ topic }: { topic: string }) {
    this.removed.push(topic);
  }
}

function follow(mode: Mode, slugs: string[]) {
  const channels = new Channels();
  const told = { reread: 0 };
  const live = new Live(channels as never, mode, {
    clicked() {},
    reread: () => told.reread++,
    changed() {},
  });
  live.follow(slugs);
  return { channels, told, live };
}

Deno.test("Live is live once Realtime says that changes flow, and reads anew after a gap", () => {
  const { channels, told, live } = follow("postgres_changes", ["docs"]);
  assert.equal(live.standing.state, "connecting");
  channels.status.get("clicks")!("SUBSCRIBED");
  assert.deepEqual([live.standing.state, told.reread], ["connecting", 0]);
  const system = channels.system.get("clicks")!;
  system({ extension: "postgres_changes", status: "ok", message: "Subscribed to PostgreSQL" });
  assert.deepEqual([live.standing.state, told.reread], ["live", 1]);
  system({ extension: "relay", status: "gap", message: "Events of this topic may be missing." });
  assert.deepEqual([live.standing.state, told.reread], ["live", 2]);
  channels.status.get("clicks")!("TIMED_OUT");
  assert.equal(live.standing.state, "connecting");
  system({ extension: "postgres_changes", status: "error", message: "Unable to subscribe" });
  assert.deepEqual(live.standing, { state: "refused", reason: "Unable to subscribe" });
});

Deno.test("Live forgets a refusal with the topic that was refused", () => {
  const { channels, live } = follow("broadcast", ["a", "b"]);
  channels.status.get("clicks:a")!("SUBSCRIBED");
  channels.status.get("clicks:b")!("CHANNEL_ERROR", new Error("Unauthorized"));
  assert.deepEqual(live.standing, { state: "refused", reason: "Unauthorized" });
  live.follow(["a"]);
  assert.equal(live.standing.state, "live");
  assert.deepEqual(channels.removed, ["clicks:b"]);
  live.follow([]);
  assert.equal(live.standing.state, "idle");
  // What is still told of it counts for nothing.
  channels.status.get("clicks:b")!("CHANNEL_ERROR", new Error("Unauthorized"));
  assert.equal(live.standing.state, "idle");
});

Deno.test("Live follows no more topics than a socket may have", () => {
  const slugs = Array.from({ length: 150 }, (_, place) => `link-${place}`);
  const { channels } = follow("broadcast", slugs);
  assert.equal(channels.status.size, 90);
  assert.ok(channels.status.has("clicks:link-0"));
});
