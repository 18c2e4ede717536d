import assert from "node:assert/strict";
import { sign } from "../../../support/tokens.ts";
import { HEARTBEAT, openRaw, type Sentences, type Stage } from "./stage.ts";

/** What upstream does, and what the client is told. */
const fromUpstream: [(socket: WebSocket) => void, number, RegExp][] = [
  [(socket) => socket.close(), 4502, /^upstream_lost: .*reconnect/],
  [(socket) => socket.close(1000), 1000, /reconnect/],
  [(socket) => socket.close(1012, "restart"), 1012, /^restart$/],
  [(socket) => socket.close(4999, "x".repeat(123)), 4999, /^x{123}$/],
];

/** What a client may send, and what upstream sees. */
const fromClient: [number | undefined, number][] = [[undefined, 1000], [1000, 1000], [4999, 4999]];

/** Resolves when the relay has no open socket. */
export async function empty({ health }: Stage): Promise<void> {
  while ((await health()).sockets.open > 0) await new Promise((wake) => setTimeout(wake, 20));
}

export const closings: Sentences = {
  async "what upstream closes with reaches the client, or a code that may be sent"(stage) {
    const { script, open } = stage;
    for (const [end, code, reason] of fromUpstream) {
      script.onSocket = (socket) => socket.onmessage = () => end(socket);
      const client = await open();
      await client.opened;
      client.send(HEARTBEAT);
      const closed = await client.closed;
      assert.equal(closed.code, code);
      assert.match(closed.reason, reason);
    }
    await empty(stage);
  },

  async "what a client closes with reaches upstream, or a code that may be sent"(stage) {
    const { script, open } = stage;
    for (const [sent, expected] of fromClient) {
      const seen = Promise.withResolvers<number>();
      script.onSocket = (socket) => socket.onclose = ({ code }) => seen.resolve(code);
      const client = await open();
      await client.opened;
      client.socket.close(sent);
      assert.equal(await seen.promise, expected);
      await client.closed;
    }
    await empty(stage);
  },

  async "upstream that is lost is told"(stage) {
    const client = await stage.open();
    await client.opened;
    client.send(HEARTBEAT);
    await client.next();
    stage.cutUpstream();
    const { code, reason } = await client.closed;
    assert.equal(code, 4502);
    assert.match(reason, /^upstream_lost: /);
    await empty(stage);
  },

  async "a client that is lost takes its upstream along"(stage) {
    const seen = Promise.withResolvers<number>();
    stage.script.onSocket = (socket) => socket.onclose = ({ code }) => seen.resolve(code);
    const { connection } = await openRaw(stage, `&jwt=${await sign()}`);
    connection.close();
    assert.equal(await seen.promise, 1000);
    await empty(stage);
  },
};
