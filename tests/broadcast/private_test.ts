import assert from "node:assert/strict";
import { testOnNewest } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";
import { accepted, post, upstreamThat } from "./support/post.ts";
import { EVENTS, SPELLINGS } from "./support/spellings.ts";

const JSON_TYPE = "application/json";
const PRIVATE_ONLY = JSON.stringify({ authenticated: { privateOnly: true } });
const EVENT = "/api/broadcast/room%3A1/events/new";

testOnNewest("one event is as private as Realtime would take it, and arrives so", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  await withRelay(host, { onRequest }, async (served) => {
    const authorization = `Bearer ${await sign()}`;
    for (const [query, type, body, isPrivate] of EVENTS) {
      const headers = { authorization, "content-type": type };
      const { status, text } = await post(served, EVENT + query, { headers, body });
      const what = `${query} ${type} ${body}`;
      assert.equal(status, 202, `${what}: ${text}`);
      const { path, body: sent, headers: sentHeaders } = arrived.pop()!;
      const expected = `/realtime/v1${EVENT}${isPrivate ? "?private=true" : ""}`;
      assert.deepEqual([path, sent], [expected, body], what);
      assert.match(sentHeaders.get("content-type")!, /^application\/(json|octet-stream)$/, what);
    }
  });
});

testOnNewest("where private channels alone are allowed, one event is held to it", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  await withRelay(host, { onRequest, env: { RELAY_POLICY: PRIVATE_ONLY } }, async (served) => {
    const authorization = `Bearer ${await sign()}`;
    for (const [query, type, body, isPrivate] of EVENTS) {
      const headers = { authorization, "content-type": type };
      const { status, code } = await post(served, EVENT + query, { headers, body });
      const expected = isPrivate ? [202, undefined] : [403, "private_only"];
      assert.deepEqual([status, code], expected, `${query} ${type} ${body}`);
    }
    assert.equal(arrived.length, EVENTS.filter(([, , , isPrivate]) => isPrivate).length);
  });
});

testOnNewest(
  "what names private twice, or is no JSON, is refused whatever it means",
  async (host) => {
    const { onRequest, arrived } = upstreamThat(accepted);
    await withRelay(host, { onRequest }, async (served) => {
      const headers = { authorization: `Bearer ${await sign()}`, "content-type": JSON_TYPE };
      const bodies = [
        '{"private":true,"private":false}',
        '{"private":false,"a":1,"priv\\u0061te":true}',
        ...['{"private":true', '{"private":true]', '{"a":[}],"private":true}', "{private:true}"],
        ...['{"private" true}', '{"private":true "b":1}', '{"private":true}}', "{},{}", '{"a":"b}'],
        '\ufeff{"private":true}',
      ];
      for (const body of bodies) {
        const { status, code } = await post(served, `${EVENT}?private=true`, { headers, body });
        assert.deepEqual([status, code], [400, "bad_request"], body);
      }
      assert.equal(arrived.length, 0);
    });
  },
);

testOnNewest("Realtime refuses who may not send privately, in its own words", async (host) => {
  const answer = () => Response.json({ message: "Unauthorized" }, { status: 403 });
  const { onRequest } = upstreamThat(answer);
  await withRelay(host, { onRequest }, async (served) => {
    const headers = { authorization: `Bearer ${await sign()}`, "content-type": JSON_TYPE };
    const { status, text } = await post(served, `${EVENT}?private=true`, { headers, body: "{}" });
    assert.deepEqual([status, text], [403, '{"message":"Unauthorized"}']);
  });
});

testOnNewest(
  "a message of a list is as private as Realtime reads it, or is refused",
  async (host) => {
    const { onRequest, arrived } = upstreamThat(accepted);
    for (const policy of ["{}", PRIVATE_ONLY]) {
      await withRelay(host, { onRequest, env: { RELAY_POLICY: policy } }, async (served) => {
        const headers = { authorization: `Bearer ${await sign()}`, "content-type": JSON_TYPE };
        for (const [value, isPrivate] of SPELLINGS) {
          const other = '{"topic":"a","event":"e","payload":{},"private":true}';
          const message = `{"topic":"a","event":"e","payload":{},"private":${value}}`;
          const body = `{"messages":[${other},${message}]}`;
          const { status, code } = await post(served, "/api/broadcast", { headers, body });
          const forbidden = isPrivate === false && policy === PRIVATE_ONLY;
          const expected = isPrivate === undefined
            ? [400, "bad_request"]
            : forbidden
            ? [403, "private_only"]
            : [202, undefined];
          assert.deepEqual([status, code], expected, value);
          const sent = status === 202 ? JSON.parse(arrived.pop()!.body).messages : [];
          if (status === 202) assert.deepEqual(sent.map(privateOf), [true, isPrivate], value);
        }
        assert.equal(arrived.length, 0, "of a list with one bad message nothing goes on");
      });
    }
  },
);

const privateOf = (message: { private: unknown }) => message.private;
