import assert from "node:assert/strict";
import { Away } from "../../site/away.ts";
import { loadConfig, readConfig } from "../../site/config.ts";
import { headline, shown, splitReason } from "../../site/light.ts";
import { authProblem, databaseProblem } from "../../site/problem.ts";
import { slugProblem, suggestSlug, targetProblem } from "../../site/data/slug.ts";
import { DICTIONARIES, preferred, Text } from "../../site/text.ts";
import type { Key } from "../../site/text.ts";

Deno.test("a slug is suggested from the words of an address", () => {
  const six = () => 0.5;
  const cases: [string, string][] = [
    ["https://example.com/blog/Our-Launch_Day.html", "our-launch-day"],
    ["https://example.com/posts/12345", "posts"],
    ["https://www.example.com/", "example"],
    [
      "https://example.com/a/very/long-name-that-nobody-wants-to-type-by-hand",
      "long-name-that-nobody",
    ],
    ["https://example.com/%E6%96%87", "example"],
    ["http://127.0.0.1:8000/", suggestSlug("", six)],
    ["nonsense", suggestSlug("", six)],
  ];
  for (const [target, slug] of cases) {
    assert.equal(suggestSlug(target, six), slug, target);
    assert.equal(slugProblem(slug), undefined);
  }
});

Deno.test("who was hidden or cut off for more than a minute is back, once", () => {
  let times = 0;
  const away = new Away(() => times++);
  const looks: [boolean, number, number][] = [
    [false, 0, 0],
    [true, 59_000, 0],
    [false, 60_000, 0],
    [false, 110_000, 0],
    [true, 121_000, 1],
    [true, 500_000, 1],
  ];
  for (const [isHere, at, expected] of looks) {
    away.look(isHere, at);
    assert.equal(times, expected, `at ${at}`);
  }
});

Deno.test("slugs and addresses are judged as the database judges them", () => {
  assert.equal(slugProblem(""), "new.slug.empty");
  for (const slug of ["a b", "ä", "a/b", "x".repeat(65)]) {
    assert.equal(slugProblem(slug), "new.slug.letters");
  }
  assert.equal(targetProblem(""), "new.target.empty");
  for (const target of ["example.com", "ftp://example.com", "javascript:alert(1)", "https://a b"]) {
    assert.equal(targetProblem(target), "new.target.invalid", target);
  }
  assert.equal(targetProblem(`https://example.com/${"x".repeat(2048)}`), "new.target.long");
  assert.equal(targetProblem("HTTPS://example.com"), undefined);
});

Deno.test("an error is told in words, next to what caused it", () => {
  const about = (error: unknown) => {
    const { key, field } = databaseProblem(error, "docs");
    return [key, field];
  };
  assert.deepEqual(about({ code: "23505" }), ["new.taken", "slug"]);
  const check = (name: string) => ({ code: "23514", message: `violates check "${name}"` });
  assert.deepEqual(about(check("short_links_title_check")), ["new.title.long", "title"]);
  assert.deepEqual(about(check("short_links_target_url_check")), ["new.target.invalid", "target"]);
  assert.deepEqual(about({ code: "42501" }), ["error.rights", undefined]);
  assert.deepEqual(about({ code: "PT409" }), ["new.full", undefined]);
  assert.deepEqual(about({ code: "PGRST301" }), ["error.session", undefined]);
  assert.deepEqual(about(new TypeError("Failed to fetch")), ["error.network", undefined]);
  assert.equal(databaseProblem({ code: "XX000", message: "boom" }).values!.reason, "boom");
  assert.equal(authProblem({ code: "invalid_credentials", status: 400 }).key, "sign.wrong");
  assert.equal(authProblem({ status: 429 }).key, "error.busy");
  assert.equal(authProblem({ name: "AuthRetryableFetchError" }).key, "error.network");
});

Deno.test("the light counts down, and a reason is its code and its advice", () => {
  const status = { since: 0, relay: "", caughtUp: 0 };
  assert.deepEqual(headline({ ...status, state: "reconnecting", retryAt: 4200 }, 1000), [
    "light.reconnecting.in",
    { seconds: 4 },
  ]);
  assert.deepEqual(headline({ ...status, state: "reconnecting", retryAt: 900 }, 1000), [
    "light.reconnecting",
  ]);
  assert.deepEqual(headline({ ...status, state: "live" }, 0), ["light.live"]);
  assert.deepEqual(splitReason("token_expired: Refresh: now."), {
    code: "token_expired",
    advice: "Refresh: now.",
  });
  assert.deepEqual(splitReason("no answer"), { code: "", advice: "no answer" });
  assert.deepEqual(splitReason(), { code: "", advice: "" });
});

Deno.test("the light is live once clicks flow, not before", () => {
  const live = { state: "live", since: 0, relay: "", caughtUp: 0 } as const;
  const state = (...all: Parameters<typeof shown>) => shown(...all).state;
  assert.equal(state(live, { state: "live" }), "live");
  assert.equal(state(live, { state: "connecting" }), "connecting");
  assert.equal(state({ ...live, state: "offline" }, { state: "live" }), "offline");
  assert.equal(state({ ...live, state: "closed" }, { state: "live" }), "connecting");
  assert.equal(state({ ...live, state: "closed" }, { state: "idle" }), "idle");
  const refused = shown(live, { state: "refused", reason: "Unauthorized" });
  assert.deepEqual([refused.state, refused.reason, refused.channelOnly], [
    ...["refused", "Unauthorized", true],
  ]);
});

Deno.test("config.json is read with one sentence for each mistake", () => {
  const good = { url: "https://abc.supabase.co/", key: "sb_publishable_x" };
  assert.deepEqual(readConfig(good), {
    url: "https://abc.supabase.co",
    key: "sb_publishable_x",
    relay: "https://abc.supabase.co/functions/v1/relay",
    mode: "postgres_changes",
    demo: [],
  });
  const service = `e30.${btoa(JSON.stringify({ role: "service_role" }))}.x`;
  const mistakes: [unknown, RegExp][] = [
    [null, /"url" wants an address such as/],
    [{ ...good, url: "abc.supabase.co" }, /"url" wants an address/],
    [{ ...good, key: "" }, /"key" wants the project's publishable key/],
    [{ ...good, key: "sb_secret_x" }, /"key" is a secret key\. Rotate it/],
    [{ ...good, key: service }, /"key" is a secret key/],
    [{ ...good, mode: "polling" }, /"mode" wants postgres_changes or broadcast, not "polling"/],
    [{ ...good, relay: "relay" }, /"relay" wants an address/],
  ];
  for (const [config, sentence] of mistakes) {
    assert.throws(() => readConfig(config), (error: Error) => {
      assert.match(error.message, sentence);
      assert.doesNotMatch(error.message, /sb_secret_x/);
      return true;
    });
  }
});

Deno.test("config.json that is not there is told in one sentence", async () => {
  const answers: [() => Promise<Response>, RegExp][] = [
    [() => Promise.reject(new TypeError("Failed to fetch")), /: the server did not answer\.$/],
    [() => Promise.resolve(new Response("", { status: 503 })), /: the server answered 503\.$/],
    [
      () => Promise.resolve(new Response("<!doctype html>")),
      /config\.json is no JSON\. deno task site/,
    ],
    [() => Promise.resolve(Response.json({})), /"url" wants an address/],
  ];
  for (const [get, sentence] of answers) await assert.rejects(loadConfig(get), sentence);
});

Deno.test("both languages say everything, with the same values in it", () => {
  const [first, ...others] = Object.values(DICTIONARIES);
  const names = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const other of others) {
    assert.deepEqual(Object.keys(other), Object.keys(first));
    for (const [key, text] of Object.entries(other)) {
      assert.ok(text.trim(), key);
      assert.deepEqual(names(text), names(first[key as Key]), key);
    }
  }
});

Deno.test("every text that index.html asks for is in the dictionary", async () => {
  const html = await Deno.readTextFile(new URL("../../site/index.html", import.meta.url));
  const keys = [...html.matchAll(/data-(?:text|label|hint|placeholder)="([^"]+)"/g)];
  assert.ok(keys.length > 30);
  for (const [, key] of keys) assert.ok(key in DICTIONARIES.en, key);
});

Deno.test("the language is the first of the browser's that the page speaks", () => {
  assert.equal(preferred(["de", "zh-HK", "en"]), "zh-Hant");
  assert.equal(preferred(["en-GB", "zh-TW"]), "en");
  assert.equal(preferred(["de"]), "en");
  assert.equal(preferred([]), "en");
});

Deno.test("numbers, counts and times are those of the language", () => {
  const [en, zh] = [new Text("en"), new Text("zh-Hant")];
  assert.equal(en.count("links.total", 1), "1 open");
  assert.equal(en.count("links.total", 1234), "1,234 opens");
  assert.equal(zh.count("links.total", 1), "共 1 次開啟");
  assert.equal(en.of("toast.one", { link: "/{count}" }), "Somebody opened /{count}");
  assert.equal(en.ago(0, 9_999), "just now");
  assert.equal(en.ago(0, 150_000), "2 min. ago");
  assert.equal(en.ago(10_000, 0), "just now", "a server's clock may be ahead");
});
