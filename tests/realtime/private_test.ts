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

/** Says a broadcast with an ack, so that a reply tells that it was sent. */
const say = (wire: Wire, topic: string, n: number) =>
  wire.push(topic, "broadcast", { type: "broadcast", event: "n", payload: { n } }, `say-${n}`);

const track = (wire: Wire, topic: string, ref: string) =>
  wire.push(topic, "presence", { event: "track", payload: { ref } }, ref);

/** What came of an event up to the answer to a heartbeat. */
async function upToHeartbeat(wire: Wire, event: string): Promise<unknown[]> {
  const ref = crypto.randomUUID();
  wire.push("phoenix", "heartbeat", {}, ref);
  await wire.next("phx_reply", (frame) => frame.ref === ref);
  const payloads: unknown[] = [];
  while (wire.has(event)) payloads.push((await wire.next(event)).payload);
  return payloads;
}

Deno.test("broadcast and presence are each read and written by their own right", async (t) => {
  await using bench = await openBench();
  await bench.sql.unsafe(`
    create policy r on realtime.messages for select to anon
      using (extension = 'presence' and realtime.topic() in ('p', 'q'));
    create policy w on realtime.messages for insert to anon
      with check (extension = 'presence' and realtime.topic() in ('p', 'q'));
    create policy rb on realtime.messages for select to anon
      using (extension = 'broadcast' and realtime.topic() = 'b');
    create policy all_r on realtime.messages for select to authenticated using (true);
    create policy all_w on realtime.messages for insert to authenticated with check (true);
  `).simple();
  const all = await openWire(bench, await bench.token({ role: "authenticated" }));
  const some = await openWire(bench, await bench.token());
  const presence = { enabled: true };
  const loud = { private: true, presence, broadcast: { ack: true } };
  const isReply = (ref: string) => (frame: { ref: string | null }) => frame.ref === ref;

  await t.step("the right to presence alone joins where presence is on", async () => {
    assert.deepEqual(await some.join("realtime:p", PRIVATE), refused("p"));
    assert.deepEqual(await some.join("realtime:p", { private: true, presence }), OK);
    assert.deepEqual((await some.next("presence_state")).payload, {});
  });
  await t.step("and hears presences, but no broadcasts", async () => {
    await all.join("realtime:p", loud);
    say(all, "realtime:p", 1);
    await all.next("phx_reply", isReply("say-1"));
    track(all, "realtime:p", "t1");
    await some.next("presence_diff");
    assert.deepEqual(await upToHeartbeat(some, "broadcast"), []);
  });
  await t.step("and says presences, but no broadcasts", async () => {
    await upToHeartbeat(all, "presence_diff");
    say(some, "realtime:p", 2);
    track(some, "realtime:p", "t2");
    assert.equal((await some.next("phx_reply", isReply("t2"))).payload.status, "ok");
    for (const wire of [some, all]) await wire.next("presence_diff");
    assert.deepEqual(await upToHeartbeat(all, "broadcast"), []);
  });
  await t.step("and has no past broadcasts", async () => {
    const replay = { since: 0 };
    const config = { private: true, presence, broadcast: { replay } };
    assert.deepEqual(await some.join("realtime:q", config), refused("q"));
  });
  await t.step("the right to broadcasts alone hears no presences, and tracks none", async () => {
    await all.join("realtime:b", loud);
    assert.deepEqual(await some.join("realtime:b", { private: true, presence }), OK);
    track(some, "realtime:b", "t3");
    assert.equal((await some.next("phx_reply", isReply("t3"))).payload.status, "error");
    some.push("realtime:b", "presence", { event: "untrack" }, "u3");
    assert.equal((await some.next("phx_reply", isReply("u3"))).payload.status, "ok");
    track(all, "realtime:b", "t4");
    say(all, "realtime:b", 3);
    await some.next("broadcast");
    assert.deepEqual(await upToHeartbeat(some, "presence_diff"), []);
  });
  await t.step("where presence was not on, it is heard from the first track on", async () => {
    const late = await openWire(bench, await bench.token({ role: "authenticated" }));
    await late.join("realtime:l", PRIVATE);
    await all.join("realtime:l", loud);
    track(all, "realtime:l", "t5");
    await all.next("presence_diff", (frame) => frame.topic === "realtime:l");
    assert.deepEqual(await upToHeartbeat(late, "presence_diff"), []);
    track(late, "realtime:l", "t6");
    await late.next("presence_diff");
    late.close();
  });
  await t.step("a right that a new token takes away ends the channel", async () => {
    await all.join("realtime:p", loud);
    all.push("realtime:p", "access_token", { access_token: await bench.token({ n: 1 }) });
    assert.equal(
      (await all.next("system")).payload.message,
      "You no longer have permission to read from this Channel topic: p",
    );
  });
  for (const wire of [all, some]) wire.close();
});

Deno.test("policies find the request's headers and the claims apart, as in the original", async () => {
  await using bench = await openBench();
  const policy = (name: string, condition: string) => `
    create policy "${name} r" on realtime.messages for select to anon
      using (realtime.topic() = '${name}' and ${condition});
    create policy "${name} w" on realtime.messages for insert to anon
      with check (realtime.topic() = '${name}' and ${condition});
  `;
  const header = (name: string) =>
    `current_setting('request.headers', true)::json ->> '${name}' = 'yes'`;
  await bench.sql.unsafe([
    policy("x", header("x-room")),
    policy("plain", header("room")),
    policy("sub", "current_setting('request.jwt.claim.sub', true) = 'somebody'"),
    policy("no-sub", "current_setting('request.jwt.claim.sub', true) = ''"),
    policy("role", "current_setting('request.jwt.claim.role', true) = 'anon'"),
  ].join("")).simple();
  const headers = { "X-Room": "yes", room: "yes" };
  const [token, nobody] = [await bench.token({ sub: "somebody" }), await bench.token()];
  const wire = await openWire(bench, token, headers);
  for (const topic of ["x", "sub", "role"]) {
    assert.deepEqual(await wire.join(`realtime:${topic}`, PRIVATE), OK, topic);
  }
  // A socket keeps none but the x- ones.
  for (const topic of ["plain", "no-sub"]) {
    assert.deepEqual(await wire.join(`realtime:${topic}`, PRIVATE), refused(topic));
  }
  const more = { access_token: nobody };
  assert.deepEqual(await wire.join("realtime:no-sub", PRIVATE, more), OK);
  const send = async (topic: string, bearer: string) => {
    const answer = await fetch(
      `${bench.realtime.url}/api/broadcast/${topic}/events/e?private=true`,
      { method: "POST", headers: { ...headers, authorization: `Bearer ${bearer}` } },
    );
    await answer.body?.cancel();
    return answer.status;
  };
  for (const topic of ["x", "plain", "sub", "role"]) {
    assert.equal(await send(topic, token), 202, topic);
  }
  assert.deepEqual([await send("sub", nobody), await send("no-sub", nobody)], [403, 202]);
  wire.close();
});

Deno.test("rights that cannot be told are said in the original's words", async (t) => {
  await using bench = await openBench();
  await bench.sql.unsafe(`
    create policy r on realtime.messages for select to anon
      using (realtime.topic() <> 'r' or 1 / (length(topic) - 1) > 0);
    create policy w on realtime.messages for insert to anon
      with check (realtime.topic() <> 'w' or 1 / (length(topic) - 1) > 0);
  `).simple();
  const token = await bench.token();
  const wire = await openWire(bench, token);
  const post = async (path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const url = `${bench.realtime.url}/api/broadcast${path}`;
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body ?? {}) });
    return [answer.status, await answer.text()];
  };
  const one = (topic: string) => post(`/${topic}/events/e?private=true`);

  await t.step("a policy that raises: the join, the sends, one event, a list", async () => {
    assert.deepEqual(await wire.join("realtime:r", PRIVATE), refused("r"));
    const config = { private: true, presence: { enabled: true }, broadcast: { self: true } };
    assert.deepEqual(await wire.join("realtime:w", config), OK);
    say(wire, "realtime:w", 1);
    track(wire, "realtime:w", "t");
    const reply = await wire.next("phx_reply", ({ ref }) => ref === "t");
    assert.deepEqual(reply.payload, { status: "error", response: {} });
    assert.deepEqual(await one("w"), [422, '{"message":"RLS policy error"}']);
    const messages = [{ topic: "w", event: "e", payload: {}, private: true }];
    assert.deepEqual(await post("", { messages }), [202, ""]);
    assert.deepEqual(await upToHeartbeat(wire, "broadcast"), []);
  });
  await t.step("and is asked again, once it is mended", async () => {
    await bench.sql`drop policy w on realtime.messages`;
    await bench.sql`create policy w on realtime.messages for insert to anon with check (true)`;
    say(wire, "realtime:w", 2);
    assert.deepEqual((await wire.next("broadcast")).payload.payload, { n: 2 });
  });
  await t.step("what may not be received may be sent", async () => {
    assert.deepEqual(await one("r"), [202, ""]);
  });
  await t.step("a role that is not there", async () => {
    const nobody = await bench.token({ role: "nobody" });
    const headers = { authorization: `Bearer ${nobody}` };
    const url = `${bench.realtime.url}/api/broadcast/t/events/e?private=true`;
    const answer = await fetch(url, { method: "POST", headers });
    assert.deepEqual([answer.status, await answer.text()], [
      422,
      '{"message":"RLS policy error"}',
    ]);
  });
  await t.step("no partition for the day", async () => {
    await wire.join("realtime:open", PRIVATE);
    const [{ names }] = await bench.sql`
      select string_agg(inhrelid::regclass::text, ',') as names from pg_inherits
      where inhparent = 'realtime.messages'::regclass
    `;
    await bench.sql.unsafe(`drop table ${names}`);
    assert.deepEqual(await wire.join("realtime:m", PRIVATE), {
      status: "error",
      response: {
        reason: "MissingPartition: Realtime was unable to find the expected messages partition",
      },
    });
    assert.deepEqual(await one("m"), [422, '{"message":"Missing messages partition"}']);
    wire.push("realtime:open", "access_token", { access_token: await bench.token({ n: 1 }) });
    assert.equal(
      (await wire.next("system")).payload.message,
      "Realtime was unable to connect to the project database",
    );
  });
  wire.close();
});
