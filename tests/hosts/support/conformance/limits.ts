import assert from "node:assert/strict";
import { inSeconds, sign } from "../../../support/tokens.ts";
import { empty } from "./closings.ts";
import { HEARTBEAT, openRaw, type Sentences, type Stage } from "./stage.ts";

/** For the sentences below: short times and small bounds. */
export const limitsEnv = {
  RELAY_DIAL_TIMEOUT_MS: "2000",
  RELAY_MAX_UNSENT_BYTES: String(1 << 20),
  RELAY_MAX_SOCKETS_PER_USER: "2",
};

export const limits: Sentences = {
  async "upstream that refuses is told"({ script, open }) {
    script.refuse = () => Response.json({ error: "Tenant not found" }, { status: 404 });
    const { code, reason } = await (await open()).closed;
    assert.equal(code, 4502);
    assert.match(reason, /^upstream_refused: /);
  },

  async "upstream that never answers is told, and an open socket outlives that time"(stage) {
    const { script, open } = stage;
    const first = await open();
    await first.opened;
    const never = Promise.withResolvers<Response>();
    script.refuse = () => never.promise;
    const { code, reason } = await (await open()).closed;
    never.resolve(new Response(null, { status: 503 }));
    assert.equal(code, 4502);
    assert.match(reason, /^upstream_timeout: /);
    first.send(HEARTBEAT);
    assert.equal(await first.next(), HEARTBEAT);
    first.socket.close();
    await empty(stage);
  },

  async "a client that leaves while upstream is dialled gives its place back"(stage) {
    const { script, open, upstream } = stage;
    const query = `&jwt=${await sign({ sub: "carol" })}`;
    const never = Promise.withResolvers<Response>();
    script.refuse = () => never.promise;
    for (let place = 0; place < 2; place++) {
      const dials = upstream.dials();
      const { socket } = await open({ query });
      while (upstream.dials() === dials) await new Promise((wake) => setTimeout(wake, 5));
      socket.close();
    }
    const full = await (await open({ query })).closed;
    assert.match(full.reason, /^too_many_user_sockets: /);
    delete script.refuse;
    while (!await isServed(stage, query)) await new Promise((wake) => setTimeout(wake, 100));
    never.resolve(new Response(null, { status: 503 }));
  },

  async "a token's expiry ends its socket"({ open }) {
    const client = await open({ query: `&jwt=${await sign({ exp: inSeconds(2) })}` });
    const { code, reason } = await client.closed;
    assert.equal(code, 4401);
    assert.match(reason, /^token_expired: /);
  },

  async "a client that does not read is cut off"(stage) {
    const frame = new Uint8Array(1 << 16);
    const seen = Promise.withResolvers<number>();
    stage.script.onSocket = (socket) => {
      socket.onclose = ({ code }) => seen.resolve(code);
      socket.onopen = function send() {
        for (let i = 0; i < 16 && socket.bufferedAmount < 1 << 20; i++) socket.send(frame);
        if (socket.readyState === 1) setTimeout(send, 1);
      };
    };
    const { connection } = await openRaw(stage, `&jwt=${await sign()}`);
    assert.equal(await seen.promise, 4413);
    connection.close();
  },
};

async function isServed({ open }: Stage, query: string): Promise<boolean> {
  const client = await open({ query });
  await client.opened;
  client.send(HEARTBEAT);
  const answer = await client.next().catch(() => undefined);
  client.socket.close();
  return answer === HEARTBEAT;
}
