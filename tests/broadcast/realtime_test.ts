import assert from "node:assert/strict";
import postgres from "postgres";
import { signToken } from "../../tools/stack/keys.ts";
import { type Client, connect } from "../support/client.ts";
import { inTime } from "../support/in_time.ts";
import { type TestStack, withStack } from "../support/stack.ts";
import { EVENTS, SPELLINGS } from "./support/spellings.ts";

const ONE_HOUR = 3600;
const TOPIC = "room:1";

const POLICIES = `
  create policy hears on realtime.messages for select to authenticated
    using (realtime.topic() = '${TOPIC}');
  create policy says on realtime.messages for insert to authenticated
    with check (realtime.topic() = '${TOPIC}' and auth.jwt() ->> 'may' = 'send');
`;

/** A listener that has joined the private channel of the topic, or the public one. */
async function listen({ info }: TestStack, token: string, isPrivate: boolean): Promise<Client> {
  const url = `${info.API_URL.replace("http", "ws")}/realtime/v1/websocket`;
  const client = connect(`${url}?apikey=${info.PUBLISHABLE_KEY}&vsn=1.0.0`);
  await inTime(client.opened, "a listener");
  const payload = { config: { private: isPrivate }, access_token: token };
  const frame = { topic: `realtime:${TOPIC}`, event: "phx_join", payload, ref: "1", join_ref: "1" };
  client.send(JSON.stringify(frame));
  const reply = await inTime(client.next(), "the answer to a join");
  assert.equal(JSON.parse(reply as string).payload.status, "ok");
  return client;
}

/** What a listener hears up to a broadcast of the event `fence`. */
async function heard(client: Client): Promise<string[]> {
  const payloads: string[] = [];
  while (true) {
    const { payload } = JSON.parse(await inTime(client.next(), "a fence") as string);
    if (payload.event === "fence") return payloads;
    payloads.push(JSON.stringify(payload));
  }
}

Deno.test("a broadcast through the relay reaches whom it reaches without it", async (context) => {
  await withStack(async (stack) => {
    const { API_URL, RELAY_URL, PUBLISHABLE_KEY, JWT_SECRET, DB_URL } = stack.info;
    const sql = postgres(DB_URL, { max: 1, onnotice: () => {} });
    await sql.unsafe(POLICIES).simple();
    await sql.end();
    const tokenOf = (may: string) =>
      signToken(
        JWT_SECRET,
        { role: "authenticated", aud: "authenticated", sub: crypto.randomUUID(), may },
        ONE_HOUR,
      );
    const [speaker, listener] = [await tokenOf("send"), await tokenOf("listen")];
    const listeners = [await listen(stack, listener, true), await listen(stack, listener, false)];

    async function post(base: string, token: string, path: string, type: string, body: string) {
      const headers = { authorization: `Bearer ${token}`, apikey: PUBLISHABLE_KEY };
      const answer = await fetch(`${base}/api/broadcast${path}`, {
        method: "POST",
        headers: { ...headers, "content-type": type },
        body,
      });
      return { status: answer.status, text: await answer.text() };
    }

    /** What comes of a broadcast: its answer, and what the private and the public channel hear. */
    async function outcome(base: string, ...[token, path, type, body]: string[]) {
      const answer = await post(base, token, path, type, body);
      const fence = (isPrivate: boolean) => {
        return { topic: TOPIC, event: "fence", payload: {}, private: isPrivate };
      };
      const fences = JSON.stringify({ messages: [fence(true), fence(false)] });
      await post(`${API_URL}/realtime/v1`, speaker, "", "application/json", fences);
      return { ...answer, heard: await Promise.all(listeners.map(heard)) };
    }

    async function compare(...[token, path, type, body]: string[]) {
      const straight = await outcome(`${API_URL}/realtime/v1`, token, path, type, body);
      const relayed = await outcome(RELAY_URL, token, path, type, body);
      const isRefused = straight.status === 422;
      if (isRefused) assert.equal(relayed.status, 400);
      const expected = isRefused ? { ...straight, status: 400, text: relayed.text } : straight;
      assert.deepEqual(relayed, expected, `${path} ${type} ${body}`);
      return relayed;
    }

    await context.step("one event, however it says private", async () => {
      for (const [query, type, body, isPrivate] of EVENTS) {
        const { heard } = await compare(speaker, `/room%3A1/events/e${query}`, type, body);
        // Bytes reach no socket of this version.
        const isHeard = type.toLowerCase().includes("json") ? 1 : 0;
        const [ofPrivate, ofPublic] = isPrivate ? [isHeard, 0] : [0, isHeard];
        assert.deepEqual(heard.map(({ length }) => length), [ofPrivate, ofPublic], query + body);
      }
    });

    await context.step("a list, however a message says private", async () => {
      for (const [value, isPrivate] of SPELLINGS) {
        const body =
          `{"messages":[{"topic":"${TOPIC}","event":"e","payload":{"n":12345678901234567890},"private":${value}}]}`;
        const { heard } = await compare(speaker, "", "application/json", body);
        const expected = isPrivate === undefined ? [0, 0] : isPrivate ? [1, 0] : [0, 1];
        assert.deepEqual(heard.map(({ length }) => length), expected, value);
      }
    });

    await context.step("who may not send privately", async () => {
      const path = "/room%3A1/events/e?private=true";
      const { status, text, heard } = await compare(listener, path, "application/json", "{}");
      assert.deepEqual([status, text], [403, '{"message":"Unauthorized"}']);
      assert.deepEqual(heard, [[], []]);
      const message = { topic: TOPIC, event: "e", payload: {}, private: "true" };
      const body = JSON.stringify({ messages: [message] });
      const list = await compare(listener, "", "application/json", body);
      assert.deepEqual([list.status, list.heard], [202, [[], []]]);
    });

    await context.step("what is of another kind, or of none", async () => {
      for (const type of ["text/plain", "application/x-www-form-urlencoded", "text/html"]) {
        assert.equal((await compare(speaker, "/room%3A1/events/e", type, "a=b")).status, 415);
      }
      for (const body of ["{", '{"a":tru}', '{"private":true,"a":"\\u12"}']) {
        const path = "/room%3A1/events/e";
        const answer = await post(RELAY_URL, speaker, path, "application/json", body);
        assert.equal(answer.status, 400);
      }
    });
    for (const client of listeners) client.socket.close();
    await Promise.all(listeners.map(({ closed }) => closed));
  });
});
