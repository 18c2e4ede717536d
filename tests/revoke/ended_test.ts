import assert from "node:assert/strict";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { Ended } from "../../supabase/functions/relay/revoke/ended.ts";
import { hashesOf, Unable } from "../../supabase/functions/relay/revoke/message.ts";
import { readBack } from "../../supabase/functions/relay/revoke/read_back.ts";
import { PUBLISHABLE_KEY } from "../support/tokens.ts";

Deno.test("an end is told once, counts as long as a token lives, and the oldest go first", () => {
  const clock = { ms: 0 };
  const ended = new Ended(1_000, () => clock.ms);
  assert.deepEqual(ended.add(["a", "b"]), ["a", "b"]);
  assert.deepEqual(ended.add(["b", "c"]), ["c"]);
  clock.ms = 999;
  assert.ok(ended.has("a"));
  clock.ms = 1_000;
  assert.ok(!ended.has("a"));
  const many = Array.from({ length: 60_000 }, (_, n) => `h${n}`);
  ended.add(many);
  assert.deepEqual([ended.has("h0"), ended.has("h59999")], [false, true]);
});

Deno.test("a message that is none ends nobody", () => {
  const hash = "0".repeat(64);
  assert.deepEqual(hashesOf({ sessions: [hash, 7, "x", `${hash}0`, null] }), [hash]);
  for (const odd of [null, 7, "x", [], {}, { sessions: hash }, { sessions: null }]) {
    assert.deepEqual(hashesOf(odd), []);
  }
});

const config = readConfig({
  SUPABASE_URL: "https://project.test",
  SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
});

const hash = (n: number) => n.toString(16).padStart(64, "0");

const LAST = { id: null, payload: null, inserted_at: "2026-01-01T00:01:00+00:00" };

/**
 * The function over so many messages, by an API that lets `cut` rows of an answer through, and a page of
 * which holds `size` messages; `asked` are the requests.
 */
function apiOf({ messages, size = 100, cut = Infinity }: Record<string, number>) {
  const rows = Array.from({ length: messages }, (_, n) => ({
    ...{ id: `${n}`, payload: { sessions: [hash(n)] } },
    inserted_at: "2026-01-01T00:00:00+00:00",
  }));
  const asked: Record<string, unknown>[] = [];
  const fetch = (input: RequestInfo | URL, init?: RequestInit) => {
    const body = JSON.parse(String(init!.body));
    asked.push(body);
    assert.equal(String(input), "https://project.test/rest/v1/rpc/missed_messages");
    const headers = new Headers(init!.headers);
    assert.deepEqual([headers.get("apikey"), headers.get("authorization")], [
      PUBLISHABLE_KEY,
      null,
    ]);
    const from = body.after_id === undefined ? 0 : Number(body.after_id) + 1;
    return Promise.resolve(Response.json([...rows.slice(from, from + size), LAST].slice(0, cut)));
  };
  return { asked, fetch };
}

/** What is read, and the time up to which. */
async function readAll(fetch: typeof globalThis.fetch) {
  const hashes: string[] = [];
  let at = 0;
  for await (const page of readBack(0, config, fetch)) {
    hashes.push(...page.hashes);
    at = page.at;
  }
  return { hashes, at };
}

const hashes = (count: number) => Array.from({ length: count }, (_, n) => hash(n));

Deno.test("what was said is read page by page, by the last id, up to the server's time", async () => {
  const { asked, fetch } = apiOf({ messages: 5, size: 2 });
  assert.deepEqual(await readAll(fetch), { hashes: hashes(5), at: Date.parse(LAST.inserted_at) });
  assert.deepEqual(asked.map(({ after_id }) => after_id), [undefined, "1", "3", "4"]);
  assert.ok(asked.every(({ topic }) => topic === "relay:sessions"));
});

Deno.test("an API that cuts its answers, the server's time with them, loses nothing", async () => {
  for (const cut of [1, 2, 3, 4, 5, 6, 7]) {
    for (const messages of [0, 1, 5, 6]) {
      const { fetch } = apiOf({ messages, cut });
      const read = { hashes: hashes(messages), at: Date.parse(LAST.inserted_at) };
      assert.deepEqual(await readAll(fetch), read, `${cut} rows of ${messages} messages`);
    }
  }
});

Deno.test("a day of many sign-outs is read to its end, though the API gives few at a time", async () => {
  const { asked, fetch } = apiOf({ messages: 600, cut: 10 });
  assert.deepEqual((await readAll(fetch)).hashes, hashes(600));
  assert.equal(asked.length, 61);
});

Deno.test("a project without the function is told from one that fails", async () => {
  const answer = (status: number) => () => Promise.resolve(new Response("{}", { status }));
  await assert.rejects(readAll(answer(404)), Unable);
  await assert.rejects(readAll(answer(503)), /answers 503/);
  await assert.rejects(readAll(answer(200)), /answers 200/);
});
