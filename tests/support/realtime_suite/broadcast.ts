import assert from "node:assert/strict";
import { ALICE, BOB, Inbox, refusal, type Scenarios, subscribed } from "./suite.ts";

type Broadcast = { event: string; payload: unknown; meta?: { id: string; replayed?: boolean } };

export const broadcastScenarios: Scenarios = {
  async "a broadcast reaches the others and not its sender"(origin, vsn) {
    const topic = `suite-others-${vsn}`;
    const [alice, bob] = [await origin.client(ALICE, vsn), await origin.client(BOB, vsn)];
    const [own, others] = [new Inbox<Broadcast>(), new Inbox<Broadcast>()];
    const sender = alice.channel(topic).on("broadcast", { event: "*" }, own.put as never);
    const receiver = bob.channel(topic).on("broadcast", { event: "hi" }, others.put as never);
    await Promise.all([subscribed(sender), subscribed(receiver)]);
    const payload = { n: 1, text: "żółw 🐢", list: [1.5, null, { deep: true }] };
    await sender.send({ type: "broadcast", event: "hi", payload });
    const [got] = await others.take(1, "the broadcast");
    assert.deepEqual([got.event, got.payload], ["hi", payload]);
    assert.equal(own.items.length, 0);
  },

  async "with self and ack the sender gets its own broadcast and the answer"(origin, vsn) {
    const alice = await origin.client(ALICE, vsn);
    const inbox = new Inbox<Broadcast>();
    const channel = alice
      .channel(`suite-self-${vsn}`, { config: { broadcast: { self: true, ack: true } } })
      .on("broadcast", { event: "hi" }, inbox.put as never);
    await subscribed(channel);
    const answer = await channel.send({ type: "broadcast", event: "hi", payload: { n: 2 } });
    assert.equal(answer, "ok");
    assert.deepEqual((await inbox.take(1, "its own"))[0].payload, { n: 2 });
  },

  async "bytes arrive as bytes where the protocol has them"(origin, vsn) {
    if (vsn === "1.0.0") return;
    const topic = `suite-bytes-${vsn}`;
    const [alice, bob] = [await origin.client(ALICE, vsn), await origin.client(BOB, vsn)];
    const inbox = new Inbox<Broadcast>();
    const sender = alice.channel(topic);
    const receiver = bob.channel(topic).on("broadcast", { event: "b" }, inbox.put as never);
    await Promise.all([subscribed(sender), subscribed(receiver)]);
    const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 256);
    await sender.send({ type: "broadcast", event: "b", payload: bytes.buffer });
    const [{ payload }] = await inbox.take(1, "the bytes");
    assert.deepEqual(new Uint8Array(payload as ArrayBuffer), bytes);
  },

  async "clients of both versions get the same broadcast, each in its own way"(origin, vsn) {
    const topic = `suite-mixed-${vsn}`;
    const sender = (await origin.client(ALICE, vsn)).channel(topic);
    await subscribed(sender);
    const inboxes = await Promise.all((["1.0.0", "2.0.0"] as const).map(async (version) => {
      const inbox = new Inbox<Broadcast>();
      const receiver = (await origin.client(BOB, version)).channel(topic);
      await subscribed(receiver.on("broadcast", { event: "hi" }, inbox.put as never));
      return inbox;
    }));
    await sender.send({ type: "broadcast", event: "hi", payload: { from: vsn } });
    for (const inbox of inboxes) {
      assert.deepEqual((await inbox.take(1, "the broadcast"))[0].payload, { from: vsn });
    }
  },

  async "a broadcast by HTTP reaches those who have joined"(origin, vsn) {
    const topic = `suite-http-${vsn}`;
    const [alice, bob] = [await origin.client(ALICE, vsn), await origin.client(BOB, vsn)];
    const inbox = new Inbox<Broadcast>();
    const receiver = bob.channel(topic).on("broadcast", { event: "*" }, inbox.put as never);
    await subscribed(receiver);
    const sender = alice.channel(topic);
    assert.deepEqual(await sender.httpSend("one", { n: 1 }), { success: true });
    const [got] = await inbox.take(1, "the broadcast");
    assert.deepEqual([got.event, got.payload], ["one", { n: 1 }]);
    if (vsn === "1.0.0") return;
    assert.deepEqual(await sender.httpSend("two", new Uint8Array([1, 2, 3])), { success: true });
    const [, bytes] = await inbox.take(2, "the bytes");
    assert.deepEqual(new Uint8Array(bytes.payload as ArrayBuffer), new Uint8Array([1, 2, 3]));
  },

  async "a private channel is refused to who may not read it"(origin, vsn) {
    const alice = await origin.client(ALICE, vsn);
    const channel = alice.channel(`suite:closed-${vsn}`, { config: { private: true } });
    assert.match(
      await refusal(channel),
      /Unauthorized: You do not have permissions to read from this Channel topic: suite:closed/,
    );
    await alice.removeChannel(channel);
  },

  async "a private broadcast reaches private channels and no public one"(origin, vsn) {
    const topic = `suite:open-${vsn}`;
    const [alice, bob] = [await origin.client(ALICE, vsn), await origin.client(BOB, vsn)];
    const [inside, outside] = [new Inbox<Broadcast>(), new Inbox<Broadcast>()];
    const config = { private: true, broadcast: { ack: true } };
    const sender = alice.channel(topic, { config });
    const receiver = bob.channel(topic, { config })
      .on("broadcast", { event: "*" }, inside.put as never);
    const stranger = (await origin.client(BOB, vsn)).channel(topic)
      .on("broadcast", { event: "*" }, outside.put as never);
    await Promise.all([sender, receiver, stranger].map(subscribed));
    assert.equal(await sender.send({ type: "broadcast", event: "x", payload: {} }), "ok");
    await inside.take(1, "the broadcast");
    assert.equal(outside.items.length, 0);
  },

  async "a broadcast that its sender may not send is dropped without a word"(origin, vsn) {
    const topic = `suite:read-${vsn}`;
    const [alice, bob] = [await origin.client(ALICE, vsn), await origin.client(BOB, vsn)];
    const inbox = new Inbox<Broadcast>();
    const sender = alice.channel(topic, { config: { private: true, broadcast: { ack: true } } });
    const receiver = bob.channel(topic, { config: { private: true } })
      .on("broadcast", { event: "*" }, inbox.put as never);
    await Promise.all([sender, receiver].map(subscribed));
    const answer = await sender.send({ type: "broadcast", event: "x", payload: {} }, {
      timeout: 300,
    });
    assert.equal(answer, "timed out");
    await origin.sql`select realtime.send('{"n":1}', 'after', ${topic}, true)`;
    const [first] = await inbox.take(1, "the broadcast of the database");
    assert.equal(first.event, "after");
  },
};
