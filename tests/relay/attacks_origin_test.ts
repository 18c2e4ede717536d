import assert from "node:assert/strict";
import { assertPostRefused, assertRefused } from "../support/attack.ts";
import { connect } from "../support/client.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";
import { Wire } from "../support/wire.ts";

const ORIGINS = "https://app.example.com,https://*.example.org";
const bearer = { authorization: `Bearer ${await sign()}` };

const REFUSED: Record<string, string> = {
  "null": "null",
  "of another site": "https://evil.test",
  "a look-alike behind": "https://app.example.com.evil.test",
  "a look-alike in front": "https://xapp.example.com",
  "a look-alike by a dash": "https://evil-example.org",
  "a look-alike by user and password": "https://app.example.com@evil.test",
  "a look-alike letter": "https://app.examp1e.com",
  "a path behind the wildcard": "https://evil.test/.example.org",
  "a port behind the wildcard": "https://evil.test:1.example.org",
  "the bare domain of a wildcard": "https://example.org",
  "upper case": "HTTPS://APP.EXAMPLE.COM",
  "with port": "https://app.example.com:8443",
  "with the default port": "https://app.example.com:443",
  "with a slash": "https://app.example.com/",
  "with a trailing dot": "https://app.example.com.",
  "without TLS": "http://app.example.com",
  "two in one": "https://app.example.com, https://evil.test",
  "empty": "",
};

testOnNewest("only pages on the list get in", async (host, context) => {
  const env = { RELAY_ORIGINS: ORIGINS, RELAY_ABSENT_ORIGIN: "refuse" };
  await withRelay(host, { env }, async ({ relay, upstream, urlWith }) => {
    const url = urlWith(await sign());
    for (const [name, origin] of Object.entries(REFUSED)) {
      await context.step(`Origin ${name}`, async () => {
        await assertRefused(url, "origin_forbidden", { headers: { origin } });
        const headers = { ...bearer, origin };
        await assertPostRefused(relay.address, "origin_forbidden", { headers });
        const verdict = await fetch(url.replace("ws:", "http:"), { headers: { origin } });
        assert.equal((await verdict.json()).code, "origin_forbidden");
        assert.equal(verdict.headers.get("access-control-allow-origin"), null);
      });
    }
    await context.step("Origin absent", async () => {
      await assertRefused(url, "origin_forbidden");
      await assertPostRefused(relay.address, "origin_forbidden", { headers: bearer });
    });
    assert.deepEqual(upstream.requests, []);
    for (const origin of ["https://app.example.com", "https://a.b.example.org"]) {
      const client = connect(url, { headers: { origin } });
      await client.opened;
      client.socket.close();
      await client.closed;
    }
  });
});

/** A GET verdict, as one connection sends it; the code of its answer. */
async function ask(address: string, forwarded: string[]): Promise<string> {
  using wire = await Wire.to(`http://${address}`);
  const lines = forwarded.map((value) => `X-Forwarded-For: ${value}\r\n`).join("");
  await wire.send(`GET /relay HTTP/1.1\r\nHost: x\r\n${lines}Connection: close\r\n\r\n`);
  const answer = await wire.until("\r\n\r\n");
  const length = Number(/content-length: (\d+)/i.exec(answer)?.[1]);
  return JSON.parse(String(await wire.take(length))).code;
}

/** More than two minutes' worth, since the minute may turn in between. */
const ATTEMPTS = 7;

testOnNewest(
  "a forged X-Forwarded-For neither hides an address nor blames another",
  async (host) => {
    const env = { RELAY_TRUSTED_PROXIES: "1", RELAY_HANDSHAKES_PER_MINUTE: "3" };
    await withRelay(host, { env }, async ({ relay: { address } }) => {
      const forgeries = (end: string, ways: ((n: number) => string[])[]) =>
        Array.from({ length: ATTEMPTS }, (_, n) => ways[n % ways.length](n).concat(end));
      const attacks: [string, string[][]][] = [
        [
          "10.0.0.1",
          forgeries("10.0.0.1", [(n) => [`1.2.3.${n}`], (n) => [`9.9.9.9, 8.8.8.${n}`]]),
        ],
        ["10.0.0.2, port", forgeries("", [(n) => [`10.0.0.2:${5000 + n}`]]).map((it) => [it[0]])],
        [
          "2001:db8:0:1",
          Array.from({ length: ATTEMPTS }, (_, n) => [`2001:db8:0:1:${n}:${n}::${n}`]),
        ],
        [
          "[v6]:port",
          Array.from({ length: ATTEMPTS }, (_, n) => [`[2001:DB8:0:2::${n}]:${n + 1}`]),
        ],
      ];
      for (const [name, requests] of attacks) {
        const codes = [];
        for (const forwarded of requests) codes.push(await ask(address, forwarded));
        assert.equal(codes[0], "token_missing", name);
        assert.ok(codes.includes("too_many_handshakes"), `${name}: ${codes}`);
      }
      for (const innocent of ["1.2.3.1", "9.9.9.9", "2001:db8:0:3::1"]) {
        assert.equal(await ask(address, [innocent]), "token_missing", innocent);
      }
    });
  },
);

testOnNewest("where no proxy is trusted, X-Forwarded-For says nothing", async (host) => {
  const env = { RELAY_HANDSHAKES_PER_MINUTE: "1", RELAY_MAX_SOCKETS_PER_ADDRESS: "1" };
  await withRelay(host, { env }, async ({ relay: { address } }) => {
    for (let n = 0; n < ATTEMPTS; n++) {
      assert.equal(await ask(address, ["10.0.0.1"]), "token_missing");
    }
    const health = await (await fetch(`http://${address}/relay/health`)).json();
    assert.match(health.addressLimits, /^off/);
  });
});
