import assert from "node:assert/strict";
import { connect } from "../support/client.ts";
import { LONG } from "../support/long.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";

const COUNT = LONG ? 10_000 : 3_000;
const TOPIC = "realtime:room";
/** Unanswered bytes at most: the test paces its senders, since WebSockets have no back-pressure. */
const WINDOW = 4 << 20;

type Data = string | Uint8Array<ArrayBuffer>;

/** Payload sizes from 0 B to 1 MB: mostly small, as in life; the whole run is about 100 MB. */
function sizeOf(index: number): number {
  if (index % 500 === 499) return 1 << 20;
  if (index % 50 === 49) return 65_536 + (index % 3) - 1;
  return [0, 1, 125, 126, 300, 2_000][index % 6];
}

function text(index: number): string {
  return 'aé漢😀\\"\n'.repeat(Math.ceil(sizeOf(index) / 8)).slice(0, sizeOf(index));
}

/** A user broadcast, as bytes or JSON: kind 3 from a client, with refs; kind 4 from Realtime, without. */
function binary(kind: 3 | 4, index: number): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const refs = kind === 3 ? ["1", String(index)] : [];
  const names = [...refs, TOPIC, "shout", '{"a":1}'].map((name) => encoder.encode(name));
  const isJson = index % 2;
  const head = [kind, ...names.map((name) => name.length), isJson];
  const payload = isJson
    ? encoder.encode(JSON.stringify({ text: text(index) }))
    : new Uint8Array(sizeOf(index)).fill(index % 256);
  const front = [...head, ...names.flatMap((name) => [...name])];
  const frame = new Uint8Array(front.length + payload.length);
  frame.set(front);
  frame.set(payload, front.length);
  return frame;
}

function serverFrame(vsn: string, index: number): Data {
  if (vsn === "2.0.0" && index % 3 === 2) return binary(4, index);
  const payload = { type: "broadcast", event: "shout", payload: { index, text: text(index) } };
  return vsn === "2.0.0"
    ? JSON.stringify([null, null, TOPIC, "broadcast", payload])
    : JSON.stringify({ ref: null, event: "broadcast", topic: TOPIC, payload });
}

function clientFrame(vsn: string, index: number): Data {
  if (vsn === "2.0.0" && index % 3 === 2) return binary(3, index);
  const ref = String(index);
  // Spaces and a number beyond 2^53 show whether a frame was built anew.
  const payload =
    `{ "type": "broadcast", "event": "shout", "payload": {"n": 9007199254740993, "text": ${
      JSON.stringify(text(index))
    }} }`;
  if (index % 100 === 0) {
    return vsn === "2.0.0"
      ? `[null,"${ref}","phoenix","heartbeat",{}]`
      : `{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"${ref}"}`;
  }
  return vsn === "2.0.0"
    ? `["1", "${ref}", "${TOPIC}", "broadcast", ${payload}]`
    : `{"topic": "${TOPIC}", "event": "broadcast", "payload": ${payload}, "ref": "${ref}", "join_ref": "1"}`;
}

/** Sends all frames, never more than WINDOW ahead of what `received` says has arrived. */
async function sendAll(frame: (index: number) => Data, send: (data: Data) => void, flow: Flow) {
  let sent = 0;
  for (let index = 0; index < COUNT; index++) {
    const data = frame(index);
    sent += data.length;
    while (sent - flow.received > WINDOW) await flow.progress();
    send(data);
  }
}

/** What has arrived, for the sender's pace. */
class Flow {
  received = 0;
  #wake = Promise.withResolvers<void>();
  progress = () => this.#wake.promise;
  arrived(bytes: number) {
    this.received += bytes;
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

for (const vsn of ["1.0.0", "2.0.0"]) {
  testOnNewest(
    `${COUNT.toLocaleString("en")} frames of vsn ${vsn} each way arrive whole and in order`,
    async (host) => {
      const upstreamSocket = Promise.withResolvers<WebSocket>();
      const down = new Flow();
      const up = new Flow();
      const allUp = Promise.withResolvers<void>();
      let upIndex = -1; // The join comes first.
      function onUpstream({ data }: MessageEvent) {
        const got: Data = typeof data === "string" ? data : new Uint8Array(data);
        if (upIndex >= 0) {
          const sent = clientFrame(vsn, upIndex);
          if (vsn === "2.0.0") assert.deepEqual(got, sent, `frame ${upIndex} changed`);
          else assert.deepEqual(JSON.parse(got as string), JSON.parse(sent as string));
          up.arrived(sent.length);
        }
        if (++upIndex === COUNT) allUp.resolve();
      }
      const onSocket = (socket: WebSocket) => {
        socket.onopen = () => upstreamSocket.resolve(socket);
        socket.onmessage = (event) => {
          try {
            onUpstream(event);
          } catch (error) {
            allUp.reject(error);
          }
        };
      };
      await withRelay(host, { onSocket }, async ({ relay, urlWith }) => {
        const client = connect(urlWith(await sign(), vsn));
        await client.opened;
        client.send(
          vsn === "2.0.0"
            ? `["1","0","${TOPIC}","phx_join",{"config":{}}]`
            : `{"topic":"${TOPIC}","event":"phx_join","payload":{"config":{}},"ref":"0","join_ref":"1"}`,
        );
        const upstream = await upstreamSocket.promise;
        const downwards = sendAll((index) => serverFrame(vsn, index), (data) => {
          upstream.send(data);
        }, down);
        const upwards = sendAll((index) => clientFrame(vsn, index), client.send, up);
        for (let index = 0; index < COUNT; index++) {
          const got = await client.next();
          assert.deepEqual(got, serverFrame(vsn, index), `frame ${index} changed`);
          down.arrived(got.length);
        }
        await Promise.all([downwards, upwards, allUp.promise]);
        client.socket.close(1000);
        const closed = await relay.line(({ event }) => event === "close");
        assert.deepEqual([closed.messagesUp, closed.messagesDown], [COUNT + 1, COUNT]);
        assert.equal(closed.by, "client");
      });
    },
  );
}

testOnNewest("frames that upstream sends before the client is open are kept", async (host) => {
  const onSocket = (socket: WebSocket) => {
    socket.onopen = () => {
      for (let index = 0; index < 200; index++) socket.send(String(index));
    };
  };
  await withRelay(host, { onSocket }, async ({ urlWith }) => {
    const client = connect(urlWith(await sign()));
    for (let index = 0; index < 200; index++) assert.equal(await client.next(), String(index));
    client.socket.close();
    await client.closed;
  });
});
