import assert from "node:assert/strict";
import { inTime } from "../support/in_time.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { type ServedRelay, withRelay } from "../support/served_relay.ts";
import { ALICE, BOB, PUBLISHABLE_KEY, sign } from "../support/tokens.ts";
import { Wire } from "../support/wire.ts";
import { accepted, post as postTo, upstreamThat } from "./support/post.ts";

const BODY = JSON.stringify({ messages: [{ topic: "a", event: "e", payload: { n: 1 } }] });

/** Posts a list of one message, unless told otherwise. */
const post = (
  served: ServedRelay,
  path: string,
  init: RequestInit & { headers: Record<string, string> },
) => postTo(served, path, { body: BODY, ...init });

testOnNewest("a broadcast goes to Realtime as the user, with no other header", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  await withRelay(host, { onRequest }, async (served) => {
    const token = await sign();
    const headers = {
      authorization: `Bearer ${token}`,
      apikey: PUBLISHABLE_KEY,
      "content-type": "application/json",
      "x-forwarded-for": "1.2.3.4",
      cookie: "a=b",
    };
    assert.equal((await post(served, "/api/broadcast?evil=1", { headers })).status, 202);
    const [{ path, headers: sent, body }] = arrived;
    assert.equal(path, "/realtime/v1/api/broadcast");
    const [message] = JSON.parse(BODY).messages;
    assert.deepEqual(JSON.parse(body), { messages: [{ ...message, private: false }] });
    assert.equal(sent.get("authorization"), `Bearer ${token}`);
    assert.equal(sent.get("apikey"), PUBLISHABLE_KEY);
    assert.equal(sent.get("content-type"), "application/json");
    assert.deepEqual([sent.get("x-forwarded-for"), sent.get("cookie")], [null, null]);
  });
});

testOnNewest("a broadcast to one event keeps its topic in one path segment", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  await withRelay(host, { onRequest }, async (served) => {
    const headers = { authorization: `Bearer ${await sign()}`, "content-type": "application/json" };
    await post(served, "/api/broadcast/..%2f..%2fevil/events/a%20b", { headers });
    assert.equal(arrived[0].path, "/realtime/v1/api/broadcast/..%2F..%2Fevil/events/a%20b");
  });
});

testOnNewest("a topic or an event that would climb out of its path is refused", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  await withRelay(host, { onRequest }, async (served) => {
    const headers = { authorization: `Bearer ${await sign()}` };
    for (const path of ["%2e%2e%2f/events/%252e", "a/events/%252e%252e"]) {
      await post(served, `/api/broadcast/${path}`, { headers });
      assert.match(arrived.pop()!.path, /^\/realtime\/v1\/api\/broadcast\/[^/]+\/events\/[^/]+$/);
    }
    const { relay: { address } } = served;
    for (const path of ["..%2F..", "%2E%2E", "a/events/%2E"]) {
      const status = await rawPost(address, `/relay/api/broadcast/${path}/events/x`, headers);
      assert.ok(status === 400 || status === 404 || status === 202, `${path}: ${status}`);
    }
    for (const { path } of arrived) {
      assert.match(path, /^\/realtime\/v1\/api\/broadcast\/[^/]+\/events\/[^/]+$/);
    }
  });
});

/** A POST whose path no URL parser has tidied up. */
async function rawPost(address: string, path: string, headers: Record<string, string>) {
  const [hostname, port] = address.split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = `POST ${path} HTTP/1.1\r\nHost: ${address}\r\n${lines}Content-Length: 0\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const buffer = new Uint8Array(64);
  await connection.read(buffer);
  return Number(new TextDecoder().decode(buffer).split(" ")[1]);
}

testOnNewest("an anonymous viewer's broadcast carries the public key alone", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  const env = { RELAY_ANONYMOUS: "allow" };
  await withRelay(host, { onRequest, env }, async (served) => {
    const headers = { apikey: PUBLISHABLE_KEY, authorization: `Bearer ${PUBLISHABLE_KEY}` };
    assert.equal((await post(served, "/api/broadcast", { headers })).status, 202);
    assert.equal(arrived[0].headers.get("authorization"), null);
  });
});

testOnNewest("a broadcast without a good token never reaches Realtime", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  await withRelay(host, { onRequest }, async (served) => {
    const cases: [Record<string, string>, number, string][] = [
      [{}, 401, "token_missing"],
      [{ authorization: "Bearer garbage" }, 401, "token_malformed"],
      [{ apikey: PUBLISHABLE_KEY }, 401, "anonymous_refused"],
    ];
    for (const [headers, status, code] of cases) {
      const answer = await post(served, "/api/broadcast", { headers });
      assert.deepEqual([answer.status, answer.code], [status, code]);
    }
    assert.equal(arrived.length, 0);
  });
});

testOnNewest("a body over the bound is refused, and Realtime's answer passed on", async (host) => {
  const refuse = () => Response.json({ errors: { messages: ["can't be blank"] } }, { status: 422 });
  const { onRequest, arrived } = upstreamThat(refuse);
  await withRelay(host, { onRequest }, async (served) => {
    const headers = { authorization: `Bearer ${await sign()}` };
    const big = await post(served, "/api/broadcast", { headers, body: "x".repeat(3_000_001) });
    assert.deepEqual([big.status, big.code, arrived.length], [413, "too_big", 0]);
    const { status, text } = await post(served, "/api/broadcast", { headers });
    assert.deepEqual([status, text], [422, '{"errors":{"messages":["can\'t be blank"]}}']);
  });
});

const POLICY = {
  authenticated: { topics: ["room:*"], privateOnly: true },
  reader: { readOnly: true },
};

testOnNewest(
  "each message of a broadcast is held to the policy, as it is written",
  async (host) => {
    const { onRequest, arrived } = upstreamThat(accepted);
    const env = { RELAY_POLICY: JSON.stringify(POLICY) };
    await withRelay(host, { onRequest, env }, async (served) => {
      const headers = { authorization: `Bearer ${await sign()}` };
      const good = { topic: "room:1", event: "e", payload: {}, private: true };
      const send = (body: string, path = "/api/broadcast") => post(served, path, { headers, body });
      const list = (...messages: unknown[]) => JSON.stringify({ messages });
      assert.equal((await send(list(good))).status, 202);
      assert.deepEqual(JSON.parse(arrived[0].body), { messages: [good] });
      const cases: [string, string, string?][] = [
        [list(good, { ...good, topic: "other" }), "topic_forbidden"],
        [list({ ...good, private: "false" }), "private_only"],
        [list({ ...good, topic: 7 }), "bad_request"],
        [list(...Array(101).fill(good)), "bad_request"],
        ["nope", "bad_request"],
        ["null", "bad_request"],
        ["{}", "private_only", "/api/broadcast/room%3A1/events/e"],
        ["{}", "topic_forbidden", "/api/broadcast/room/events/e"],
      ];
      for (const [body, code, path] of cases) {
        assert.equal((await send(body, path)).code, code, body);
      }
      headers.authorization = `Bearer ${await sign({ role: "reader" })}`;
      assert.equal((await send(list(good))).code, "read_only");
      assert.equal(arrived.length, 1);
    });
  },
);

testOnNewest("a Realtime that is not there is told as such", async (host) => {
  await withRelay(host, { env: { SUPABASE_URL: "http://127.0.0.1:1" } }, async (served) => {
    const headers = { authorization: `Bearer ${await sign()}` };
    const { status, code } = await post(served, "/api/broadcast", { headers });
    assert.deepEqual([status, code], [502, "upstream_refused"]);
  });
});

testOnNewest("a body that comes by drops is given up", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  const env = { RELAY_DIAL_TIMEOUT_MS: "300" };
  await withRelay(host, { onRequest, env }, async ({ relay: { address } }) => {
    using wire = await Wire.to(`http://${address}`);
    const lines = [
      "POST /relay/api/broadcast HTTP/1.1",
      `Host: ${address}`,
      `Authorization: Bearer ${await sign()}`,
      `Content-Length: ${BODY.length}`,
    ];
    await wire.send(`${lines.join("\r\n")}\r\n\r\n${BODY[0]}`);
    const head = await inTime(wire.until("\r\n\r\n"), "an answer to a body that never ends");
    assert.match(head, /^HTTP\/1.1 408 /);
    const length = Number(/content-length: (\d+)/i.exec(head)![1]);
    assert.equal(JSON.parse(String(await wire.take(length))).code, "body_timeout");
    assert.equal(arrived.length, 0);
  });
});

testOnNewest("the messages of each sender are counted, however they are packed", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  const env = {
    RELAY_FRAMES_PER_SECOND: "1",
    RELAY_FRAME_BURST: "20",
    RELAY_ANONYMOUS: "allow",
    RELAY_TRUSTED_PROXIES: "1",
  };
  await withRelay(host, { onRequest, env }, async (served) => {
    const [message] = JSON.parse(BODY).messages;
    const list = JSON.stringify({ messages: Array(20).fill(message) });
    const sender = async (sub: string) => ({ authorization: `Bearer ${await sign({ sub })}` });
    const viewer = (address: string) => ({ apikey: PUBLISHABLE_KEY, "x-forwarded-for": address });
    const senders: Record<string, string>[] = [
      await sender(ALICE),
      await sender(BOB),
      viewer("10.0.0.1"),
      viewer("10.0.0.2"),
    ];
    for (const headers of senders) {
      assert.equal((await post(served, "/api/broadcast", { headers, body: list })).status, 202);
      const again = await post(served, "/api/broadcast", { headers, body: list });
      assert.deepEqual([again.status, again.code], [429, "too_many_frames"]);
    }
    const codes = new Set();
    for (let n = 0; n < 20; n++) {
      codes.add((await post(served, "/api/broadcast/a/events/e", { headers: senders[0] })).code);
    }
    assert.ok(codes.has("too_many_frames"), "the other form counts as well");
    assert.ok(arrived.length < senders.length + 20);
  });
});

testOnNewest(
  "the bytes of a user's broadcasts are paid for like those of a socket",
  async (host) => {
    const { onRequest, arrived } = upstreamThat(accepted);
    // 0.2 s of a core at once, of which a body takes 22 ms.
    const env = { RELAY_CPU_SHARE: "1" };
    await withRelay(host, { env, onRequest }, async (served) => {
      const sendAs = async (sub: string, path: string, body: () => BodyInit) => {
        const authorization = `Bearer ${await sign({ sub })}`;
        const headers = { authorization, "content-type": "application/octet-stream" };
        const { status, code } = await postTo(served, path, { headers, body: body() });
        return code ?? status;
      };
      const large = new Uint8Array(1_000_000);
      const inPieces = () => new Blob([large]).stream();
      const answers: unknown[] = [];
      for (let n = 0; n < 30; n++) {
        answers.push(
          await sendAs(ALICE, "/api/broadcast/a/events/e", n % 2 ? inPieces : () => large),
        );
      }
      const passed = answers.filter((it) => it === 202).length;
      assert.ok(passed >= 8 && passed < 25, `${passed} of 30 went on`);
      for (const way of [0, 1]) {
        assert.ok(answers.some((it, n) => n % 2 === way && it !== 202), `${answers}`);
      }
      assert.equal(arrived.length, passed);
      assert.ok(answers.every((it) => it === 202 || it === "too_many_frames"), `${answers}`);
      assert.equal(await sendAs(BOB, "/api/broadcast/a/events/e", () => large), 202);
    });
  },
);
