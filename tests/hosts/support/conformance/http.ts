import assert from "node:assert/strict";
import { PUBLISHABLE_KEY, sign } from "../../../support/tokens.ts";
import { PATH, type Sentences } from "./stage.ts";

export const http: Sentences = {
  async "a GET with a good token says that only the upgrade is missing"({ address }) {
    const verdict = await fetch(`http://${address}${PATH}&jwt=${await sign()}`, {
      headers: { origin: "https://a.test" },
    });
    assert.deepEqual([verdict.status, (await verdict.json()).code], [426, "upgrade_required"]);
    assert.equal(verdict.headers.get("access-control-allow-origin"), "https://a.test");
    assert.match(verdict.headers.get("vary") ?? "", /origin/i);
  },

  async "health tells numbers and no names"({ address, open }) {
    const client = await open();
    await client.opened;
    const response = await fetch(`http://${address}/any/prefix/relay/health`);
    const text = await response.text();
    const { status, checks, sockets } = JSON.parse(text);
    assert.deepEqual([response.status, status, checks.hs256], [200, "ok", "secret"]);
    assert.ok(sockets.open >= 1 && sockets.most >= 400);
    assert.doesNotMatch(text, /a11ce|sb_|eyJ/);
    client.socket.close();
    await client.closed;
  },

  async "a preflight is answered, other paths and methods are refused in words"({ address }) {
    const preflight = await fetch(`http://${address}/relay`, {
      method: "OPTIONS",
      headers: { origin: "https://a.test" },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("access-control-allow-origin"), "https://a.test");
    for (const [method, path, code] of [["GET", "/", "not_found"], ["PUT", "/relay", "method"]]) {
      const response = await fetch(`http://${address}${path}`, { method });
      assert.match((await response.json()).code, new RegExp(`^${code}`));
    }
  },

  async "an HTTP broadcast goes to Realtime as the user"({ address, script }) {
    const token = await sign();
    const seen: [string, string | null, string | null, string][] = [];
    script.onRequest = async (request) => {
      const { url, headers } = request;
      const body = await request.text();
      seen.push([new URL(url).pathname, headers.get("authorization"), headers.get("apikey"), body]);
      return new Response(null, { status: 202 });
    };
    const message = { topic: "a", event: "b", payload: { n: 1 }, private: true };
    const body = JSON.stringify({ messages: [message] });
    const answer = await fetch(`http://${address}/functions/v1/relay/api/broadcast`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body,
    });
    assert.equal(answer.status, 202);
    assert.deepEqual(seen.map(([path]) => path), ["/realtime/v1/api/broadcast"]);
    const [[, authorization, apikey, sent]] = seen;
    assert.deepEqual([authorization, apikey], [`Bearer ${token}`, PUBLISHABLE_KEY]);
    assert.deepEqual(JSON.parse(sent), JSON.parse(body));
  },
};

/** For the sentence below. */
export const wrongEnv = { RELAY_ANONYMOUS: "maybe", RELAY_MAX_JOINS: "many" };

export const misconfigured: Sentences = {
  async "a wrong environment is told to whoever asks, whole"({ address }) {
    const response = await fetch(`http://${address}/relay/health`);
    const { code, problems } = await response.json();
    assert.deepEqual([response.status, code], [503, "misconfigured"]);
    const names = problems.map((problem: string) => problem.split(":")[0]).sort();
    assert.deepEqual(names, ["RELAY_ANONYMOUS", "RELAY_MAX_JOINS"]);
  },
};
