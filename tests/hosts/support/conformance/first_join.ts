import assert from "node:assert/strict";
import type { Client } from "../../../support/client.ts";
import { PUBLISHABLE_KEY, sign } from "../../../support/tokens.ts";
import { HEARTBEAT, type Sentences } from "./stage.ts";

const KEY_ALONE = { query: `&apikey=${PUBLISHABLE_KEY}` };

const join = (topic: string, ref: string, access_token?: string) =>
  JSON.stringify([ref, ref, `realtime:${topic}`, "phx_join", { config: {}, access_token }]);

async function next(client: Client) {
  const [, ref, topic, event, payload] = JSON.parse(String(await client.next()));
  return { ref, topic, event, payload };
}

export const firstJoin: Sentences = {
  async "a socket that a public key opened becomes its user's by the first join"(stage) {
    const dials = stage.upstream.dials();
    const client = await stage.open(KEY_ALONE);
    await client.opened;
    client.send(HEARTBEAT);
    assert.equal((await next(client)).payload.status, "ok");
    assert.equal(stage.upstream.dials(), dials, "upstream was dialled for nobody");
    const token = await sign();
    client.send(join("a", "1", token));
    client.send(join("b", "2", token));
    // Upstream echoes what it gets.
    for (const topic of ["realtime:a", "realtime:b"]) {
      const { event, topic: joined } = await next(client);
      assert.deepEqual([event, joined], ["phx_join", topic]);
    }
    assert.equal(stage.upstream.dials(), dials + 1);
    client.socket.close();
    await client.closed;
  },

  async "a join without a token waits for one that is pushed behind it, and not for ever"(stage) {
    const client = await stage.open(KEY_ALONE);
    await client.opened;
    client.send(join("a", "1"));
    const { ref, payload } = await next(client);
    assert.equal(ref, "1");
    assert.match(payload.response.reason, /^token_missing: /);
    client.send(join("a", "2", PUBLISHABLE_KEY));
    const access_token = await sign();
    client.send(JSON.stringify([null, "3", "realtime:a", "access_token", { access_token }]));
    assert.equal((await next(client)).event, "phx_join");
    client.socket.close();
    await client.closed;
  },

  async "a secret key in a first join ends the socket"(stage) {
    const client = await stage.open(KEY_ALONE);
    await client.opened;
    client.send(join("a", "1", await sign({ role: "service_role" })));
    assert.equal((await client.closed).code, 4403);
  },
};
