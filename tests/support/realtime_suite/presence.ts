import assert from "node:assert/strict";
import type { RealtimeChannel } from "@supabase/supabase-js";
import { ALICE, BOB, Inbox, type Scenarios, subscribed } from "./suite.ts";

export const presenceScenarios: Scenarios = {
  "who is on a public channel is known to all, as long as they are": (origin, vsn) =>
    comeAndGo(origin, vsn, `suite-presence-${vsn}`, false),

  "who is on a private channel is known to all, as long as they are": (origin, vsn) =>
    comeAndGo(origin, vsn, `suite:open-presence-${vsn}`, true),

  async "presence on a channel that may only be read is refused"(origin, vsn) {
    const alice = await origin.client(ALICE, vsn);
    const channel = alice.channel(`suite:read-presence-${vsn}`, {
      config: { private: true, presence: { key: "alice" } },
    });
    await subscribed(channel.on("presence", { event: "sync" }, () => {}));
    assert.equal(await channel.track({ n: 1 }), "error");
  },
};

const comeAndGo = async (
  ...[origin, vsn, topic, isPrivate]: [
    ...Parameters<Scenarios[string]>,
    string,
    boolean,
  ]
) => {
  const [alice, bob] = [await origin.client(ALICE, vsn), await origin.client(BOB, vsn)];
  const states = new Inbox<Record<string, number[]>>();
  const open = (client: typeof alice, key: string) =>
    client.channel(topic, { config: { private: isPrivate, presence: { key } } });
  const watcher = open(alice, "alice");
  watcher.on("presence", { event: "sync" }, () => states.put(summary(watcher)));
  await subscribed(watcher);
  await watcher.track({ n: 1 });
  await until(states, { alice: [1] });
  const guestStates = new Inbox<Record<string, number[]>>();
  const guest = open(bob, "bob");
  guest.on("presence", { event: "sync" }, () => guestStates.put(summary(guest)));
  await subscribed(guest);
  await guest.track({ n: 2 });
  await until(states, { alice: [1], bob: [2] });
  await guest.track({ n: 3 });
  await until(states, { alice: [1], bob: [3] });
  // Two sockets have no common order: the guest may learn it later than the watcher.
  await until(guestStates, { alice: [1], bob: [3] });
  await watcher.untrack();
  await until(states, { bob: [3] });
  await bob.removeChannel(guest);
  await until(states, {});
};

/** The numbers tracked under each key. */
function summary(channel: RealtimeChannel): Record<string, number[]> {
  const state = channel.presenceState<{ n: number }>();
  return Object.fromEntries(
    Object.entries(state).map(([key, metas]) => [key, metas.map(({ n }) => n)]),
  );
}

/** Waits until the last state is this one. */
async function until(states: Inbox<Record<string, number[]>>, wanted: Record<string, number[]>) {
  const isWanted = () => JSON.stringify(sorted(states.items.at(-1))) === JSON.stringify(wanted);
  while (!isWanted()) {
    await states.take(states.items.length + 1, `the presence ${JSON.stringify(wanted)}`);
  }
}

const sorted = (state: Record<string, number[]> = {}) =>
  Object.fromEntries(Object.entries(state).sort(([a], [b]) => (a < b ? -1 : 1)));
