import assert from "node:assert/strict";
import { type CatchUp, tableCatchUp } from "../../client/catch_up.ts";
import { decode, encode, type Frame, type Json } from "../../client/frame.ts";
import { messageCatchUp } from "../../client/message_catch_up.ts";
import { ScriptedWorld } from "./support/scripted_server.ts";
import { BINDING, broadcast, change, SessionRig } from "./support/session_rig.ts";
import { Watched } from "./support/watched.ts";

const TOPIC = "realtime:room";
const payloads = (frames: Frame[]) =>
  frames.filter(({ event }) => event === "broadcast").map(({ payload }) => payload.payload);

/** JSON.parse reads what JSON.stringify cannot write. */
const DEEP = '{"0":'.repeat(20_000) + "1" + "}".repeat(20_000);

/** What no text can be made of. */
const TEXTLESS = { toString: 1, valueOf: 1 };

/** As anybody who may send on the topic writes it: Realtime passes on all of a broadcast's keys. */
const said = (payload: Json): string =>
  JSON.stringify([null, null, TOPIC, "broadcast", { type: "broadcast", event: "e", ...payload }]);

const noReader = { schema: () => ({ from: () => assert.fail("nothing is read here") }) };
const mirrored: CatchUp = tableCatchUp(noReader, "orders", {
  ...{ key: "id", time: "at", topic: "room", event: "e" },
});
const messages: CatchUp = messageCatchUp({
  rpc: () => ({
    abortSignal: () => ({ data: [{ id: null, inserted_at: "2026-01-01T00:00:00Z" }] }),
  }),
});

for (
  const [what, catchUp, payload] of [
    ["an id that is none", undefined, { meta: { id: TEXTLESS } }],
    ["a time that is none", mirrored, { payload: { id: 1, at: TEXTLESS } }],
    ["a table that is none", messages, { meta: { id: "x" }, payload: { table: TEXTLESS, seq: 1 } }],
  ] as const
) {
  Deno.test(`what a stranger says takes nothing from what comes with it: ${what}`, async () => {
    const world = new ScriptedWorld({ catchUp: catchUp && [catchUp] });
    const { face, frames, first } = await world.live(TOPIC, { private: true });
    const lines = [said({ payload: 1 }), said(payload), said({ payload: 2 })];
    first.onmessage!({ data: lines.join("\n") });
    assert.deepEqual(payloads(frames).filter((each) => typeof each === "number"), [1, 2]);
    assert.equal(payloads(frames).length, 3);
    face.close();
  });
}

Deno.test("nor does what is nested too deeply, once over a move", () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC);
  const next = rig.next();
  rig.joined(next, TOPIC);
  const nested = (n: number) => said({ payload: n }).replace("}]", `,"more":${DEEP}}]`);
  for (const link of [old, next]) {
    for (const n of [1, 2]) {
      rig.tell({ is: "came", link, frame: decode("2.0.0", nested(n)) });
    }
  }
  rig.answerOwn(old);
  assert.equal(rig.session.active, next);
  assert.deepEqual(payloads(rig.delivered), [1, 2]);
});

Deno.test("nor does a row", () => {
  const rig = new SessionRig("2.0.0", [
    tableCatchUp(noReader, "url_clicks", { key: "id", time: "clicked_at" }),
  ]);
  const link = rig.live();
  rig.join(TOPIC);
  rig.joined(link, TOPIC, [BINDING]);
  const row = { id: 1, clicked_at: "2026-01-01T00:00:00Z", about: "deep" };
  const line = String(encode("2.0.0", change(TOPIC, [11], "INSERT", row)));
  rig.tell({ is: "came", link, frame: decode("2.0.0", line.replace('"deep"', DEEP)) });
  assert.equal(rig.events("postgres_changes").length, 1);
});

Deno.test("nor does an id of a stranger's keep messages from being read", async () => {
  const watched = await Watched.join({ databaseOnly: true });
  const { rig, database } = watched;
  const { rpc } = database;
  const message = 'invalid input syntax for type uuid: "x"';
  database.rpc = function (name, args) {
    const answer = { error: { code: "22P02", message }, status: 400 };
    this.failure = args.after_id === "x" ? answer : undefined;
    return rpc.call(this, name, args);
  };
  watched.pass(60_000);
  rig.bring(watched.link, broadcast("realtime:orders:7", { n: 1 }, "x"));
  watched.pass(60_000);
  watched.lose();
  database.send("id-2", { n: 2 });
  watched.back();
  await rig.settle();
  assert.deepEqual(watched.payloads, [{ n: 1 }, { n: 2 }]);
  assert.deepEqual(watched.gaps, []);
});
