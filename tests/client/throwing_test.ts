import assert from "node:assert/strict";
import type { CatchUp } from "../../client/catch_up.ts";
import { decode, encode, type Json } from "../../client/frame.ts";
import type { RelaySocket } from "../../client/socket.ts";
import { ScriptedWorld } from "./support/scripted_server.ts";
import { broadcast } from "./support/session_rig.ts";

const TOPIC = "realtime:room";
const FAULT = new Error("a fault of the application");

/** What was reported as uncaught while the test ran, as a page sees it. */
async function reported(run: () => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const hear = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error);
  };
  globalThis.addEventListener("error", hear);
  try {
    await run();
    await new Promise((go) => setTimeout(go));
  } finally {
    globalThis.removeEventListener("error", hear);
  }
  return errors;
}

/** The application's handler fails at each of these events, behind noting what came. */
function failing(face: RelaySocket, event: string): Json[] {
  const heard: Json[] = [];
  face.onmessage = ({ data }) => {
    const frame = decode("2.0.0", data);
    if (frame.event !== event) return;
    heard.push(frame.payload);
    throw FAULT;
  };
  return heard;
}

Deno.test("a handler that throws takes nothing from the events behind it", async () => {
  const world = new ScriptedWorld();
  const { face, first } = await world.live();
  const heard = failing(face, "broadcast");
  const errors = await reported(async () => {
    const lines = [1, 2, 3].map((n) => encode("2.0.0", broadcast(TOPIC, n)));
    first.onmessage!({ data: lines.join("\n") });
    await world.settle();
  });
  assert.deepEqual(heard.map(({ payload }) => payload), [1, 2, 3]);
  assert.deepEqual(errors, [FAULT, FAULT, FAULT], "and each time it is the page's to know");
  face.close();
});

Deno.test("nor from rows that are read", async () => {
  let rows: Json[] = [];
  const catchUp: CatchUp = {
    ...{ schema: "public", table: "orders", key: "id", time: "at", overlapMs: 30_000 },
    async *read({ since }) {
      yield await Promise.resolve(rows.filter(({ at }) => String(at) >= since));
    },
  };
  const binding = { id: 11, event: "INSERT", schema: "public", table: "orders" };
  const world = new ScriptedWorld({ catchUp: [catchUp] });
  const subscribe = async () => {
    const { socket } = world;
    socket.answers = false;
    const [join] = socket.out("phx_join");
    socket.reply(join, { status: "ok", response: { postgres_changes: [binding] } });
    const payload = { extension: "postgres_changes", status: "ok", message: "Subscribed" };
    socket.bring({ topic: TOPIC, event: "system", payload });
    await world.settle();
  };
  const { face } = world.connect();
  await world.settle();
  const open = async () => {
    const { socket } = world;
    socket.answers = false;
    socket.open();
    for (const beat of socket.out("heartbeat")) socket.reply(beat, { status: "ok", response: {} });
    await world.settle();
  };
  await open();
  world.join(face, TOPIC);
  await world.settle();
  await subscribe();
  const heard = failing(face, "postgres_changes");
  const errors = await reported(async () => {
    world.socket.refuse(1006, "");
    await world.pass(1_000);
    const at = new Date(world.now).toISOString();
    rows = [{ id: 1, at }, { id: 2, at }];
    await open();
    await subscribe();
    await world.pass(10_000);
  });
  const ids = heard.map(({ data }) => ((data as Json).record as Json).id);
  assert.deepEqual([ids, errors.length], [[1, 2], 2]);
  face.close();
});

Deno.test("nor does an onstatus, which stops no timer either", async () => {
  const world = new ScriptedWorld();
  let told = 0;
  world.statuses.push = () => {
    told++;
    throw FAULT;
  };
  const errors = await reported(async () => {
    const { face, frames, first } = await world.live();
    const lines = [1, 2].map((n) => encode("2.0.0", broadcast(TOPIC, n)));
    first.onmessage!({ data: lines.join("\n") });
    first.refuse(1006, "");
    await world.pass(1_000);
    assert.equal(world.sockets.length, 2);
    assert.equal(frames.filter(({ event }) => event === "broadcast").length, 2);
    face.close();
  });
  assert.equal(errors.length, told);
});
