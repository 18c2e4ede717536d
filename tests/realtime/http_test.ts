import assert from "node:assert/strict";
import { type Bench, openBench } from "./support/realtime.ts";
import { openWire } from "./support/wire.ts";

const EVENT = "/api/broadcast/t/events/e";
const JSON_TYPE = { "content-type": "application/json" };

interface Case {
  what: string;
  path?: string;
  headers?: Record<string, string>;
  /** Without a token where false. */
  token?: boolean;
  body: string;
  status: number;
  answer: string;
}

/** More than 3000 kB. */
const LARGE = "x".repeat(3_000_600);
const EXCEEDS = '{"payload":["Payload size exceeds tenant limit"]}';
const TOO_LARGE: Case[] = [
  {
    what: "an event whose payload is too large",
    path: EVENT,
    body: JSON.stringify({ a: LARGE }),
    status: 422,
    answer: `{"errors":${EXCEEDS}}`,
  },
  {
    what: "an event of too many bytes, more than a frame may have",
    path: EVENT,
    headers: { "content-type": "application/octet-stream" },
    body: LARGE.repeat(2),
    status: 422,
    answer: `{"errors":${EXCEEDS}}`,
  },
  {
    what: "a list with one payload that is too large",
    body: JSON.stringify({
      messages: [{}, { a: LARGE }].map((payload) => ({ topic: "t", event: "e", payload })),
    }),
    status: 422,
    answer: `{"errors":{"messages":[{},${EXCEEDS}]}}`,
  },
];

const LIST = '{"messages":[{"topic":"t","event":"e","payload":{}}]}';
const BLANK = '{"errors":{"messages":["can\'t be blank"]}}';

/** A list is read by its type alone, and an answer in JSON has to be wanted. */
const TYPES: Case[] = [
  ...["text/plain", "application/x-www-form-urlencoded", "text/json", ""].map((type) => ({
    what: `a list as ${type || "nothing"}`,
    headers: { "content-type": type },
    ...{ body: LIST, status: 422, answer: BLANK },
  })),
  {
    what: "no JSON, of another type",
    headers: { "content-type": "text/plain" },
    ...{ body: "{", status: 422, answer: BLANK },
  },
  ...["application/json; charset=utf-8", "application/vnd.x+json"].map((type) => ({
    what: `a list as ${type}`,
    headers: { "content-type": type },
    ...{ body: LIST, status: 202, answer: "" },
  })),
  ...["text/html", "application/xml, text/*"].flatMap((accept) =>
    ["/api/broadcast", EVENT].map((path) => ({
      what: `accept: ${accept} at ${path}`,
      ...{ path, headers: { accept }, body: LIST, status: 406, answer: "Not Acceptable" },
    }))
  ),
  ...["text/html, */*;q=0.1", "Application/JSON;q=0.5", "text/html, application/*"].map((
    accept,
  ) => ({
    what: `accept: ${accept}`,
    ...{ headers: { accept }, body: LIST, status: 202, answer: "" },
  })),
];

const one = (fields: object) =>
  JSON.stringify({ messages: [{ topic: "t", event: "e", payload: {}, ...fields }] });

/** Spaces alone are nothing, wherever they stand. */
const BLANKS: Case[] = [
  ...["topic", "event", "payload"].map((field) => ({
    what: `a message with a blank ${field}`,
    ...{ body: one({ [field]: " \t" }), status: 422 },
    answer: `{"errors":{"messages":[{"${field}":["can't be blank"]}]}}`,
  })),
  { what: "a blank id", body: one({ id: " " }), status: 202, answer: "" },
  {
    what: "an id that is no text",
    body: one({ id: 7 }),
    status: 422,
    answer: '{"errors":{"messages":[{"id":["is invalid"]}]}}',
  },
  {
    what: "an event with a blank topic and a blank name",
    path: "/api/broadcast/%20/events/%20",
    body: "{}",
    status: 422,
    answer: '{"errors":{"topic":["can\'t be blank"],"event":["can\'t be blank"]}}',
  },
];

const CASES: Case[] = [
  {
    what: "a broadcast",
    body: '{"messages":[{"topic":"t","event":"e","payload":{"b":1.50,"a":[]}}]}',
    status: 202,
    answer: "",
  },
  { what: "nobody", token: false, body: "{}", status: 401, answer: '{"message":"Unauthorized"}' },
  {
    what: "no messages",
    body: "{}",
    status: 422,
    answer: '{"errors":{"messages":["can\'t be blank"]}}',
  },
  {
    what: "a message without a topic",
    body: '{"messages":[{"event":"e","payload":{}}]}',
    status: 422,
    answer: '{"errors":{"messages":[{"topic":["can\'t be blank"]}]}}',
  },
  {
    what: "a payload that is no object",
    body: '{"messages":[{"topic":"t","event":"e","payload":"x"}]}',
    status: 422,
    answer: '{"errors":{"messages":[{"payload":["is invalid"]}]}}',
  },
  ...["{", "\ufeff{}", '{"messages":"\\ud83d"}'].map((body) => ({
    ...{ what: `no JSON: ${JSON.stringify(body)}`, body, status: 400, answer: "Bad Request" },
  })),
  {
    what: "one message of another type",
    path: EVENT,
    headers: { "content-type": "text/plain" },
    body: "x",
    status: 415,
    answer: '{"error":"Unsupported Media Type. Use application/json or application/octet-stream"}',
  },
  ...TOO_LARGE,
  ...TYPES,
  ...BLANKS,
  { what: "another path", path: "/api/nothing", body: "", status: 404, answer: "Not Found" },
];

Deno.test("HTTP broadcasts are answered as recorded", async (t) => {
  await using bench = await openBench();
  for (const { what, path = "/api/broadcast", headers, token, body, status, answer } of CASES) {
    await t.step(what, async () => {
      const apikey = token === false ? "" : await bench.token();
      const response = await fetch(bench.realtime.url + path, {
        method: "POST",
        headers: { ...JSON_TYPE, apikey, ...headers },
        body,
      });
      assert.deepEqual([response.status, await response.text()], [status, answer]);
    });
  }
});

Deno.test("a broadcast's sender is named by authorization or apikey, and by no other header", async () => {
  await using bench = await openBench();
  const token = await bench.token();
  const send = async (headers: Record<string, string>) => {
    const url = `${bench.realtime.url}${EVENT}`;
    const { status, body } = await fetch(url, { method: "POST", headers });
    await body?.cancel();
    return status;
  };
  assert.equal(await send({ authorization: `bearer ${token}` }), 202);
  assert.equal(await send({ authorization: "Basic x", apikey: token }), 202);
  assert.equal(await send({ "x-api-key": token }), 401);
});

Deno.test("an HTTP broadcast is passed on with all its digits, and a private one by right", async () => {
  await using bench = await openBench();
  await bench.sql.unsafe(`
    create policy r on realtime.messages for select to authenticated using (true);
    create policy w on realtime.messages for insert to authenticated
      with check (realtime.topic() = 'open');
  `).simple();
  const user = await bench.token({ role: "authenticated" });
  const wire = await openWire(bench, user);
  await wire.join("realtime:t");
  for (const topic of ["open", "closed"]) await wire.join(`realtime:${topic}`, { private: true });
  const send = (topic: string, isPrivate: boolean) => {
    const message = { topic, event: "e", payload: { n: 0 }, private: isPrivate };
    const body = JSON.stringify({ messages: [message] }).replace(":0", ":1.50");
    const headers = { ...JSON_TYPE, authorization: `Bearer ${user}` };
    return fetch(`${bench.realtime.url}/api/broadcast`, { method: "POST", headers, body });
  };
  for (const [topic, isPrivate] of [["closed", true], ["open", true], ["t", false]] as const) {
    assert.equal((await send(topic, isPrivate)).status, 202);
  }
  assert.equal((await wire.next("broadcast")).topic, "realtime:open");
  assert.equal((await wire.next("broadcast")).topic, "realtime:t");
  assert.match(String(wire.received.at(-1)), /"payload":\{"n":1\.50\}/);
  wire.close();
});

Deno.test("a message's id in a list is its id to who receives it", async () => {
  await using bench = await openBench();
  const token = await bench.token();
  const wire = await openWire(bench, token);
  await wire.join("realtime:t");
  const messages = [{ id: "hello" }, {}, { id: "" }].map((more, n) => (
    { topic: "t", event: "e", payload: { n }, ...more }
  ));
  const response = await fetch(`${bench.realtime.url}/api/broadcast`, {
    method: "POST",
    headers: { ...JSON_TYPE, apikey: token },
    body: JSON.stringify({ messages }),
  });
  assert.equal(response.status, 202);
  await response.body?.cancel();
  const metas = [];
  for (const _ of messages) metas.push((await wire.next("broadcast")).payload.meta);
  assert.deepEqual(metas, [{ id: "hello" }, undefined, undefined]);
  wire.close();
});

Deno.test("the health of the tenant says whether changes flow", async () => {
  await using bench: Bench = await openBench();
  const health = async () => {
    const response = await fetch(`${bench.realtime.url}/api/tenants/127/health`);
    return (await response.json()).data;
  };
  const { healthy, replication_connected, connected_cluster } = await health();
  assert.deepEqual([healthy, replication_connected, connected_cluster], [true, true, 0]);
  const wire = await openWire(bench, await bench.token());
  assert.equal((await health()).connected_cluster, 1);
  wire.close();
});
