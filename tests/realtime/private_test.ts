/** What policies of realtime.messages see and decide: who may join, hear, say and be seen. */
import assert from "node:assert/strict";
import { openBench } from "./support/realtime.ts";
import { openWire, type Wire } from "./support/wire.ts";

const OK = { status: "ok", response: { postgres_changes: [] } };
const PRIVATE = { private: true };

const refused = (name: string) => ({
  status: "error",
  response: {
    reason: `Unauthorized: You do not have permissions to read from this Channel topic: ${name}`,
  },
});

Deno.test("a policy sees a probe row as the original writes it, which is not private", async () => {
  await using bench = await openBench();
  await bench.sql.unsafe(`
    create policy a on realtime.messages for select to anon
      using (private and realtime.topic() = 'private');
    create policy b on realtime.messages for select to anon
      using (private is false and event is null and inserted_at > now() - interval '1 minute'
        and realtime.topic() = 'plain');
    create policy c on realtime.messages for insert to anon
      with check (private and realtime.topic() = 'private');
    create policy d on realtime.messages for insert to anon
      with check (private is false and realtime.topic() = 'plain');
  `).simple();
  const token = await bench.token();
  const wire = await openWire(bench, token);
  assert.deepEqual(await wire.join("realtime:private", PRIVATE), refused("private"));
  assert.deepEqual(await wire.join("realtime:plain", PRIVATE), OK);
  const send = async (topic: string) => {
    const path = `/api/broadcast/${topic}/events/e?private=true`;
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(bench.realtime.url + path, { method: "POST", headers });
    await answer.body?.cancel();
    return answer.status;
  };
  assert.deepEqual([await send("private"), await send("plain")], [403, 202]);
  wire.close();
});
