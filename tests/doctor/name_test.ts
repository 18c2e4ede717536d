/** What is told of a name that has no address: whether it is the name, or who is asked for it. */
import assert from "node:assert/strict";
import type { LookupFunction } from "node:net";
import { NoAnswer, openTcp } from "../../tools/doctor/ask/connect.ts";
import { idOfSilence } from "../../tools/doctor/probe/upgrade/answer.ts";
import { https } from "./support/addresses.ts";
import { diagnose } from "./support/run.ts";
import { ownPort } from "../support/proxies/ports.ts";
import { findProgram } from "../support/proxies/start.ts";

/** A system whose question for an address comes to this. */
const failing = (code: string): LookupFunction => (host, _, done) => {
  const error = Object.assign(new Error(`getaddrinfo ${code} ${host}`), {
    ...{ code, syscall: "getaddrinfo" },
  });
  queueMicrotask(() => done(error, "", 0));
};
const silent: LookupFunction = () => {};

const WAYS: [name: string, host: string, find: LookupFunction, id: string][] = [
  ["a name that nobody has", "app.example.com", failing("ENOTFOUND"), "name_unresolved"],
  ["name servers that fail", "app.example.com", failing("EAI_AGAIN"), "resolver_fails"],
  ["name servers that say nothing", "app.example.com", silent, "resolver_fails"],
  ["a service of another network", "kong", failing("EAI_AGAIN"), "name_unresolved"],
  ["what cannot be a name", "a".repeat(300), failing("EINVAL"), "name_unresolved"],
];

for (const [name, host, find, id] of WAYS) {
  Deno.test(`${name}: ${id}`, async () => {
    await assert.rejects(openTcp({ host, port: 80 }, 100, find), (error) => {
      assert.ok(error instanceof NoAnswer);
      assert.equal(idOfSilence(error), id, error.message);
      return true;
    });
  });
}

Deno.test("a name that has an address is no name server's fault, whatever is there", async () => {
  const here: LookupFunction = (_, { all }, done) =>
    all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);
  await assert.rejects(openTcp({ host: "app.example.com", port: ownPort() }, 5_000, here), {
    kind: "refused",
  });
});

Deno.test("what is not reached past a forward proxy is told with it, and without its password", async () => {
  // A group of receivers, to which no connection is made.
  const away = "http://224.0.0.1:8000";
  const proxy = "http://me:a-word-of-mine@proxy.example.com:3128";
  const saw = async (url: string, environment: Record<string, string>) => {
    const { checks: [{ state, saw }], printed } = await diagnose([url], environment);
    assert.equal(state, "failed");
    assert.ok(!printed.includes("a-word-of-mine"));
    return saw;
  };
  assert.match(await saw(away, { http_proxy: proxy }), /; http_proxy is set here, .* without it$/);
  assert.match(await saw(away, { ALL_PROXY: proxy }), /; ALL_PROXY is set here/);
  for (
    const [url, environment] of [
      [away, {}],
      [away, { HTTPS_PROXY: proxy }],
      [away, { HTTP_PROXY: proxy, NO_PROXY: "a.example.com, 224.0.0.1" }],
      [away, { HTTP_PROXY: proxy, no_proxy: "*" }],
      [`http://127.0.0.1:${ownPort()}`, { HTTP_PROXY: proxy }],
    ] as const
  ) assert.doesNotMatch(await saw(url, environment), /is set here/);
});

Deno.test({
  name: "who signed a certificate that is not trusted is told: it may be this very network",
  ignore: !findProgram("openssl"),
  async fn() {
    const undo: (() => unknown)[] = [];
    try {
      const url = await https({ after: (work) => undo.unshift(work) }, "localhost");
      const { checks, findings } = await diagnose([url, "--key", ""]);
      assert.deepEqual(findings.map(({ id }) => id), ["tls_chain"]);
      const [{ saw }] = checks.filter(({ id }) => id === "tls_chain");
      assert.match(saw, /; it was issued by localhost$/);
    } finally {
      for (const work of undo) await work();
    }
  },
});
