import assert from "node:assert/strict";
import type { createClient as Create } from "@supabase/supabase-js";
import { inTime } from "../support/in_time.ts";
import { ScriptedWorld } from "./support/scripted_server.ts";
import { broadcast } from "./support/session_rig.ts";

const [URL, KEY] = ["https://abc.supabase.co", "sb_publishable_x"];
const options = (world: ScriptedWorld) => ({
  realtime: { transport: world.transport as never },
  auth: { persistSession: false, autoRefreshToken: false },
});

/** realtime-js loads its serialiser and asks for a token before it connects. */
async function dialled(world: ScriptedWorld): Promise<void> {
  while (world.sockets.length === 0) await new Promise((go) => setTimeout(go));
}

/** By name at run time: the older ones bring types of Node that are not Deno's. */
const load = async (name: string): Promise<typeof Create> => (await import(name)).createClient;

const versions = [
  ["2.57", "1.0.0"],
  ["2.100", "2.0.0"],
  ["2.119", "2.0.0"],
] as const;

for (const [version, vsn] of versions) {
  Deno.test(`supabase-js ${version} subscribes, hears, is carried over a cut, and leaves`, async () => {
    const createClient = await load(`@supabase/supabase-js-${version}`);
    const world = new ScriptedWorld({}, vsn);
    const supabase = createClient(URL, KEY, options(world));
    const statuses: string[] = [];
    const heard: unknown[] = [];
    const subscribed = Promise.withResolvers<void>();
    const channel = supabase.channel("room")
      .on("broadcast", { event: "e" }, ({ payload }) => void heard.push(payload))
      .subscribe((status) => {
        statuses.push(status);
        subscribed.resolve();
      });
    await inTime(dialled(world), "dialled");
    assert.equal(world.socket.url.searchParams.get("vsn") ?? "1.0.0", vsn);
    world.socket.open();
    await inTime(subscribed.promise, "subscribed");
    world.socket.bring(broadcast("realtime:room", { n: 1 }));
    world.socket.refuse(1006, "");
    await world.pass(1_000);
    world.socket.open();
    await world.settle();
    world.socket.bring(broadcast("realtime:room", { n: 2 }));
    await world.settle();
    assert.deepEqual([statuses, heard], [["SUBSCRIBED"], [{ n: 1 }, { n: 2 }]]);
    await inTime(supabase.removeChannel(channel), "left");
    await supabase.realtime.disconnect();
    assert.equal(world.transport.status.state, "closed");
    assert.equal(world.timers, 0);
  });
}

Deno.test("supabase-js 2.49 sets no handlers: the transport says so after 5 s", async () => {
  const world = new ScriptedWorld();
  const said: string[] = [];
  const { warn } = console;
  console.warn = (text) => void said.push(text);
  try {
    const createClient = await load("@supabase/supabase-js-2.49");
    const supabase = createClient(URL, KEY, options(world));
    supabase.channel("room").subscribe();
    await inTime(dialled(world), "dialled");
    await world.pass(4_000);
    assert.deepEqual(said, []);
    await world.pass(1_000);
    assert.match(said.join(), /this supabase-js is too old, 2\.57 or newer is needed/);
    assert.match(world.transport.status.reason!, /too old/);
    assert.match(world.statuses.at(-1)!.reason!, /too old/);
    supabase.realtime.disconnect();
  } finally {
    console.warn = warn;
  }
});
