import assert from "node:assert/strict";
import { LONG } from "../../../support/long.ts";
import { sign } from "../../../support/tokens.ts";
import type { Sentences, Stage } from "./stage.ts";

const COUNT = LONG ? 2_000 : 200;
const TOPIC = "realtime:room";
const JOIN = `["1","0","${TOPIC}","phx_join",{"config":{},"user_token":"x"}]`;

type Data = string | Uint8Array<ArrayBuffer>;

/** Payloads from nothing to one of a megabyte. */
const sizeOf = (index: number) => index === 7 ? 1 << 20 : [0, 1, 125, 126, 300, 2_000][index % 6];

/** Every third frame is a binary broadcast: kind 3 from a client, kind 4 from Realtime. */
function frame(kind: 3 | 4, index: number): Data {
  const ref = String(index);
  if (index % 3 < 2) {
    const text = "aé漢😀".repeat(sizeOf(index) / 5);
    return JSON.stringify([null, kind === 3 ? ref : null, TOPIC, "broadcast", { text }]);
  }
  const names = [...(kind === 3 ? ["1", ref] : []), TOPIC, "shout", ""];
  const encoded = names.map((name) => new TextEncoder().encode(name));
  const head = [
    kind,
    ...encoded.map(({ length }) => length),
    0,
    ...encoded.flatMap((it) => [...it]),
  ];
  const bytes = new Uint8Array(head.length + sizeOf(index)).fill(index);
  bytes.set(head);
  return bytes;
}

/** Resolves with the next socket that upstream accepts, when it is open, and what arrives on it. */
function nextUpstream({ script }: Stage) {
  const opened = Promise.withResolvers<WebSocket>();
  const arrived: Data[] = [];
  let wake = () => {};
  script.onSocket = (socket) => {
    socket.onopen = () => opened.resolve(socket);
    socket.onmessage = ({ data }) => {
      arrived.push(typeof data === "string" ? data : new Uint8Array(data));
      wake();
    };
  };
  async function take(count: number): Promise<Data[]> {
    while (arrived.length < count) await new Promise<void>((resolve) => wake = resolve);
    return arrived.splice(0, count);
  }
  return { opened: opened.promise, take };
}

export const frames: Sentences = {
  async [`${COUNT} frames each way, text and binary, arrive whole and in order`](stage) {
    const upstream = nextUpstream(stage);
    const client = await stage.open();
    await client.opened;
    client.send(JOIN);
    const socket = await upstream.opened;
    await upstream.take(1);
    for (let index = 0; index < COUNT; index++) {
      client.send(frame(3, index));
      socket.send(frame(4, index));
    }
    for (let index = 0; index < COUNT; index++) {
      assert.deepEqual(await client.next(), frame(4, index), `from upstream, ${index}`);
    }
    const got = await upstream.take(COUNT);
    got.forEach((data, index) =>
      assert.deepEqual(data, frame(3, index), `from a client, ${index}`)
    );
    client.socket.close();
    await client.closed;
  },

  async [`${COUNT} frames arrive whole and in order where a message may hold several`](stage) {
    const upstream = nextUpstream(stage);
    const protocols = ["realtime-relay.v2", "realtime-relay.v1"];
    const client = await stage.open({ query: `&jwt=${await sign()}`, protocols });
    assert.equal(await client.opened, "realtime-relay.v2");
    const socket = await upstream.opened;
    const sent = Array.from({ length: COUNT }, (_, index) => {
      const data = frame(4, index);
      return typeof data === "string" && index % 4 === 0 ? data.replaceAll(",", ",\n") : data;
    });
    for (const data of sent) socket.send(data);
    const got: Data[] = [];
    while (got.length < COUNT) {
      const data = await client.next() as Data;
      got.push(...typeof data === "string" ? data.split("\n") : [data]);
    }
    assert.deepEqual(
      got,
      sent.map((data) => typeof data === "string" ? data.replaceAll("\n", " ") : data),
    );
    client.socket.close();
    await client.closed;
  },

  async "what upstream sends at once is kept"({ script, open }) {
    script.onSocket = (socket) => {
      socket.onopen = () => {
        for (let index = 0; index < 100; index++) socket.send(String(index));
      };
    };
    const client = await open();
    for (let index = 0; index < 100; index++) assert.equal(await client.next(), String(index));
    client.socket.close();
    await client.closed;
  },

  async "what was judged is what is sent"(stage) {
    const upstream = nextUpstream(stage);
    const token = await sign();
    const client = await stage.open({ query: `&jwt=${token}&log_level=info&evil=1` });
    await client.opened;
    client.send('[null,"1","realtime:a","no_such_event",{}]');
    client.send("noise");
    client.send(JOIN);
    assert.deepEqual((await upstream.take(1)).map((text) => JSON.parse(text as string)), [
      ["1", "0", TOPIC, "phx_join", { config: {}, access_token: token }],
    ]);
    const query = new URL(stage.upstream.requests.at(-1)!.split(" ")[1]).searchParams;
    assert.deepEqual([...query.keys()].sort(), ["apikey", "log_level", "vsn"]);
    client.socket.close();
    await client.closed;
  },
};
