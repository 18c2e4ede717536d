/** Past broadcasts for a channel that joins: what may be asked, and what comes. */
import assert from "node:assert/strict";
import { openBench } from "./support/realtime.ts";
import { openWire } from "./support/wire.ts";

const OK = { status: "ok", response: { postgres_changes: [] } };
const refused = (why: string) => ({
  status: "error",
  response: { reason: `UnableToReplayMessages: ${why}` },
});
const INVALID = refused("Replay params are not valid");

/** What is asked, as JSON, and the numbers of the messages that come; undefined where it is refused. */
const ASKED: [string, (number | null)[] | undefined][] = [
  ['{"since":0}', [1, null, 3]],
  ['{"since":0,"limit":2}', [null, 3]],
  ['{"since":0,"limit":99999999999999999999}', [1, null, 3]],
  ...["0", "-5", "-99999999999999999999"].map((limit): [string, number[]] => [
    `{"since":0,"limit":${limit}}`,
    [3],
  ]),
  ...["null", "false"].map((limit): [string, (number | null)[]] => [
    `{"since":-1,"limit":${limit}}`,
    [1, null, 3],
  ]),
  ['{"since":0,"limit":1.5}', undefined],
  ['{"since":0,"limit":"1"}', undefined],
  ['{"since":"0"}', undefined],
  ["{}", undefined],
  // The last millisecond of the year 9999, and the one behind it.
  ['{"since":253402300799999}', []],
  ['{"since":253402300800000}', undefined],
  ...["null", '"x"', "[]", "true", "7"].map((replay): [string, number[]] => [replay, []]),
];

Deno.test("a replay takes the parameters that the original takes", async (t) => {
  await using bench = await openBench();
  await bench.sql`create policy r on realtime.messages for select to anon using (true)`;
  // Each a transaction of its own: all of one have one time.
  for (const payload of ['{"n":1}', null, '{"n":3}']) {
    await bench.sql`select realtime.send(${payload}::text::jsonb, 'e', 'r', true)`;
  }
  await bench.sql`
    insert into realtime.messages (topic, extension, private, payload, event, inserted_at)
    values ('r', 'broadcast', true, '{"n":4}', 'e', timezone('utc', now()) + interval '1 hour')
  `;
  const token = await bench.token();
  for (const [replay, numbers] of ASKED) {
    await t.step(replay, async () => {
      const wire = await openWire(bench, token);
      const config = { private: true, broadcast: { replay: "%" } };
      const frame = JSON.stringify({
        ...{ topic: "realtime:r", event: "phx_join", payload: { config }, ref: "1" },
        join_ref: "1",
      });
      wire.send(frame.replace('"%"', replay));
      const { payload } = await wire.next("phx_reply");
      assert.deepEqual(payload, numbers ? OK : INVALID);
      wire.push("phoenix", "heartbeat", {}, "end");
      await wire.next("phx_reply");
      const came: (number | null)[] = [];
      while (wire.has("broadcast")) {
        const { payload } = await wire.next("broadcast");
        came.push(payload.payload?.n ?? null);
      }
      assert.deepEqual(came, numbers ?? []);
      wire.close();
    });
  }
  await t.step("on a public channel not even null", async () => {
    const wire = await openWire(bench, token);
    for (const replay of [null, "x", { since: 0 }]) {
      assert.deepEqual(
        await wire.join("realtime:r", { broadcast: { replay } }),
        refused("Replay is not allowed for public channels"),
      );
    }
    wire.close();
  });
});
