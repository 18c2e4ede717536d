import assert from "node:assert/strict";
import { canMeasureMemory, memoryOf, peakMemory } from "../support/memory.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";
import { accepted, post, upstreamThat } from "./support/post.ts";

const EVENT = "/api/broadcast/a/events/e";
const headers = {
  authorization: `Bearer ${await sign()}`,
  "content-type": "application/json",
};

testOnNewest("what Realtime answers goes on: status, content-type and body", async (host) => {
  const answers: [number, string | null, string | undefined][] = [
    [202, null, undefined],
    [200, "text/plain", "ok"],
    [400, "text/html; charset=utf-8", "Bad Request"],
    [401, "application/json; charset=utf-8", '{"message":"Unauthorized"}'],
    [403, "application/json; charset=utf-8", '{"message":"Unauthorized"}'],
    [413, "application/json", "{}"],
    [415, "application/json", '{"error":"Unsupported Media Type."}'],
    [422, "application/json", '{"errors":{"messages":[{},{"private":["is invalid"]}]}}'],
    [429, "application/json", '{"message":"You have exceeded your rate limit"}'],
    [500, "application/json", '{"ä":"ö"}'],
  ];
  const left = [...answers];
  const secrets = { "set-cookie": "a=b", "x-rate-limit": "1", server: "x", location: "http://x/" };
  const { onRequest } = upstreamThat(() => {
    const [status, type, body] = left.shift()!;
    return new Response(body, {
      status,
      headers: { ...secrets, ...(type ? { "content-type": type } : {}) },
    });
  });
  await withRelay(host, { onRequest }, async ({ relay: { address } }) => {
    for (const [status, type, body] of answers) {
      const url = `http://${address}/functions/v1/relay${EVENT}`;
      const got = await fetch(url, { method: "POST", headers, body: "{}" });
      const text = await got.text();
      assert.deepEqual([got.status, text], [status, body ?? ""]);
      if (body) assert.equal(got.headers.get("content-type"), type);
      for (const name of Object.keys(secrets)) assert.equal(got.headers.get(name), null, name);
    }
  });
});

testOnNewest("of a huge answer the beginning goes on, and nothing more is held", async (host) => {
  const piece = new Uint8Array(1 << 20).fill(120);
  let sent = 0;
  const endless = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          sent++;
          controller.enqueue(piece);
        },
      }),
      { status: 422 },
    );
  const { onRequest } = upstreamThat(endless);
  await withRelay(host, { onRequest }, async (served) => {
    await post(served, EVENT, { headers, body: "{}" });
    const before = canMeasureMemory ? memoryOf(served.relay.pid) : 0;
    const work = async () => {
      for (let n = 0; n < 5; n++) {
        const { status, text } = await post(served, EVENT, { headers, body: "{}" });
        assert.deepEqual([status, text.length], [422, 65_536]);
      }
    };
    const peak = canMeasureMemory ? await peakMemory(served.relay.pid, work) : (await work(), 0);
    assert.ok(peak - before < 64, `${peak - before} MiB`);
    assert.ok(sent < 1_000, "nobody reads on");
  });
});

testOnNewest("a redirect is not followed with the user's token and body", async (host) => {
  let location = "";
  const { onRequest, arrived } = upstreamThat(() =>
    new Response(null, { status: 307, headers: { location } })
  );
  await withRelay(host, { onRequest }, async (served) => {
    location = `${served.upstream.url}/elsewhere`;
    const { status, code } = await post(served, EVENT, { headers, body: "{}" });
    assert.deepEqual([status, code], [502, "upstream_refused"]);
    assert.deepEqual(arrived.map(({ path }) => path), [`/realtime/v1${EVENT}`]);
  });
});

testOnNewest("of the client's content-type goes on what it is to Realtime", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  await withRelay(host, { onRequest }, async (served) => {
    const cases = [
      ["application/json", "application/json"],
      ["APPLICATION/Json; charset=utf-8", "application/json"],
      ["application/octet-stream", "application/octet-stream"],
      ["text/plain; x=y", "text/plain"],
      // Others that a parser of Realtime's knows: none of their bodies is judged.
      ["application/x-www-form-urlencoded", "text/plain"],
      ["multipart/form-data; boundary=x", "text/plain"],
      ["application/vnd.api+json", "text/plain"],
      ["application/json, text/plain", "text/plain"],
      ["", "text/plain"],
    ];
    const bytes = new Uint8Array(256).map((_, index) => index);
    for (const [type, expected] of cases) {
      const isJson = expected === "application/json";
      const init = { headers: { ...headers, "content-type": type }, body: isJson ? "{}" : bytes };
      assert.equal((await post(served, EVENT, init)).status, 202, type);
      const { headers: sent, bytes: body } = arrived.pop()!;
      assert.equal(sent.get("content-type"), expected, type);
      if (!isJson) assert.deepEqual(body, bytes, type);
    }
    const { "content-type": _, ...without } = headers;
    assert.equal((await post(served, EVENT, { headers: without, body: bytes })).status, 202);
    assert.equal(arrived.pop()!.headers.get("content-type"), null);
  });
});
