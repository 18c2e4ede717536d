import assert from "node:assert/strict";
import { keyPair, sign } from "../../../support/tokens.ts";
import { HEARTBEAT, type Sentences, type Stage } from "./stage.ts";

/** A relay that was not given the project's secret, and that has little patience. */
export const checksEnv = { RELAY_JWT_SECRET: "", RELAY_MAX_SILENCE_S: "2" };

/** What the project publishes; fetched once for a while, so all sentences share it. */
const [known, unknown] = [await keyPair("one"), await keyPair("two")];

async function serves({ open }: Stage, token: string): Promise<void> {
  const client = await open({ query: `&jwt=${token}` });
  await client.opened;
  client.send(HEARTBEAT);
  assert.equal(await client.next(), HEARTBEAT);
  client.socket.close();
  await client.closed;
}

export const checks: Sentences = {
  async "a token is checked by the keys that the project publishes"(stage) {
    stage.script.onRequest = () => Response.json({ keys: [known.jwk] });
    await serves(stage, await known.sign());
    const { closed } = await stage.open({ query: `&jwt=${await unknown.sign()}` });
    assert.match((await closed).reason, /^token_signature: /);
  },

  async "without the secret the Auth server is asked, once for equal tokens"(stage) {
    const token = await sign();
    let questions = 0;
    stage.script.onRequest = ({ url, headers }) => {
      questions++;
      const isIts = headers.get("authorization") === `Bearer ${token}`;
      assert.match(url, /\/auth\/v1\/user$/);
      return isIts
        ? Response.json({ id: "a11ce000-0000-4000-8000-000000000001", aud: "authenticated" })
        : Response.json({ code: "bad_jwt" }, { status: 403 });
    };
    await Promise.all([serves(stage, token), serves(stage, token)]);
    assert.equal(questions, 1);
    const { closed } = await stage.open({ query: `&jwt=${await sign({ sub: "b0b" })}` });
    assert.match((await closed).reason, /^token_rejected: /);
  },

  async "a client that says nothing for too long is told"(stage) {
    stage.script.onRequest = () => Response.json({ keys: [known.jwk] });
    const client = await stage.open({ query: `&jwt=${await known.sign()}` });
    const { code, reason } = await client.closed;
    assert.equal(code, 4408);
    assert.match(reason, /^silent: /);
  },
};
