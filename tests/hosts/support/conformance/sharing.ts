import assert from "node:assert/strict";
import { connect } from "../../../support/client.ts";
import { FakeRealtime } from "../../../support/hub/fake_realtime.ts";
import { joinText, numberOf } from "../../../support/hub/churn.ts";
import { PUBLISHABLE_KEY } from "../../../support/tokens.ts";
import { empty } from "./closings.ts";
import { PATH, type Sentences, type Stage } from "./stage.ts";

/** For the sentences below: viewers are let in, and by default they share. */
export const sharingEnv = { RELAY_ANONYMOUS: "allow" };

/** One for all sentences: a shared socket outlives its viewers by a while. */
const realtimes = new WeakMap<Stage["script"], FakeRealtime>();

/** Viewers of one page, in front of a Realtime that answers. */
async function watch({ script, address }: Stage, topic: string, count: number) {
  const realtime = realtimes.get(script) ?? new FakeRealtime();
  realtimes.set(script, realtime);
  script.onSocket = realtime.onSocket;
  const url = `ws://${address}${PATH}&apikey=${PUBLISHABLE_KEY}`;
  const viewers = Array.from({ length: count }, () => connect(url));
  for (const viewer of viewers) {
    await viewer.opened;
    viewer.send(joinText(1, topic));
    assert.match(String(await viewer.next()), /^\["1","1","realtime:\w+","phx_reply"/);
    assert.match(String(await viewer.next()), /^\["1",null,"realtime:\w+","system"/);
  }
  return { realtime, viewers };
}

export const sharing: Sentences = {
  async "viewers of one page get each change once, and are answered"(stage) {
    const topic = "realtime:answered";
    const { realtime, viewers } = await watch(stage, topic, 3);
    for (let n = 1; n <= 50; n++) realtime.emit(topic, "postgres_changes", { data: { n } });
    for (const viewer of viewers) {
      for (let n = 1; n <= 50; n++) assert.equal(numberOf(String(await viewer.next())), n);
      viewer.send('[null,"2","phoenix","heartbeat",{}]');
      assert.match(String(await viewer.next()), /^\[null,"2","phoenix","phx_reply"/);
      viewer.send(`["1","3","${topic}","phx_leave",{}]`);
      assert.match(String(await viewer.next()), /^\["1","3","realtime:answered","phx_reply"/);
      assert.equal(await viewer.next(), `["1","1","${topic}","phx_close",{}]`);
      viewer.socket.close();
      await viewer.closed;
    }
    await empty(stage);
  },

  async "viewers of one page are one subscriber"(stage) {
    const topic = "realtime:shared";
    const { realtime, viewers } = await watch(stage, topic, 3);
    assert.equal(realtime.joins().filter((join) => join.topic === topic).length, 1);
    // Whose request it was that opened the shared socket makes no difference.
    viewers[0].socket.close();
    await viewers[0].closed;
    realtime.emit(topic, "postgres_changes", { data: { n: 1 } });
    for (const viewer of viewers.slice(1)) {
      assert.equal(numberOf(String(await viewer.next())), 1);
      viewer.socket.close();
      await viewer.closed;
    }
    await empty(stage);
  },

  async "a viewer that sends has a socket of its own, and others hear it"(stage) {
    const topic = "realtime:own";
    const { realtime, viewers: [one, other] } = await watch(stage, topic, 2);
    one.send(`["1","2","${topic}","broadcast",{"type":"broadcast","event":"hi","payload":{}}]`);
    assert.match(String(await other.next()), /"hi"/);
    realtime.emit(topic, "postgres_changes", { data: { n: 1 } });
    for (const viewer of [one, other]) {
      assert.equal(numberOf(String(await viewer.next())), 1);
      viewer.socket.close();
      await viewer.closed;
    }
    await empty(stage);
  },
};
