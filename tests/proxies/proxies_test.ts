import assert from "node:assert/strict";
import { connect } from "../support/client.ts";
import { withDirectory } from "../support/directory.ts";
import { inTime } from "../support/in_time.ts";
import { makeCertificate, trust } from "../support/proxies/certificate.ts";
import { type Arrived, startEcho } from "../support/proxies/echo.ts";
import {
  checkShipped,
  type Ends,
  type Front,
  MISSING,
  PROXIES,
  startShipped,
} from "../support/proxies/shipped.ts";
import { findProgram, type ProxyName } from "../support/proxies/start.ts";
import { hosts } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";
import { Wire } from "../support/wire.ts";

const openssl = findProgram("openssl");
/** No signature is checked here, but all parts of a JWT are there to be found in a log. */
const TOKEN = await sign();
const FORGED = "192.0.2.1";

Deno.test({
  name: `the files of deploy/proxies carry sockets and requests as they should${
    openssl ? MISSING : " (skipped: there is no openssl)"
  }`,
  ignore: !openssl || PROXIES.length === 0,
  fn: (t) =>
    withDirectory(async (directory) => {
      const certificate = await makeCertificate(directory);
      trust(certificate.pem);
      const env = { RELAY_TRUSTED_PROXIES: "1", RELAY_HANDSHAKES_PER_MINUTE: "2" };
      await withRelay(hosts[0], { env }, async ({ relay }) => {
        for (const name of PROXIES) {
          const ends = { relay: relay.address, certificate };
          await t.step(name, (t) => tryShipped(t, name, ends));
        }
      });
    }),
});

async function tryShipped(t: Deno.TestContext, name: ProxyName, others: Omit<Ends, "gateway">) {
  const gateway = startEcho();
  const ends = { ...others, gateway: gateway.address };
  await t.step("its own check of the syntax passes, without a warning", async () => {
    assert.equal(await checkShipped(name, ends), undefined);
  });
  const front = await startShipped(name, ends);
  try {
    await t.step("a socket's path, query, keys and frames arrive whole", () => trySocket(front));
    await t.step("so does a request's path, however it is written", () => tryRequest(front));
    await t.step("http redirects pages, and tells sockets why not", () => tryPlain(front));
    await t.step("the relay limits by the client's address, not by what it made up", async () => {
      await tryLimits(front);
    });
    await t.step("the gateway is asked by HTTP/1.1, and may fail", async () => {
      gateway.hangUp();
      await tryFailure(front, gateway.heads);
    });
    await t.step("no log holds a query, a key or a token", () => tryLogs(front));
  } finally {
    await front.stop();
    await gateway.stop();
  }
}

const forged = {
  "x-forwarded-for": FORGED,
  "x-forwarded-host": "evil.example.com",
  "x-forwarded-proto": "http",
};
const keys = { apikey: TOKEN, authorization: `Bearer ${TOKEN}` };

async function trySocket(front: Front): Promise<void> {
  const path = `/realtime/v1/websocket?apikey=${TOKEN}&vsn=2.0.0&jwt=${TOKEN}`;
  const protocols = ["realtime-relay.v1", `jwt-${TOKEN}`];
  const options = { protocols, headers: { ...forged, ...keys } };
  const client = connect(`wss://${front.host}${path}`, options);
  assert.equal(await inTime(client.opened, "the socket opens"), protocols[0]);
  const { url, headers }: Arrived = JSON.parse(String(await client.next()));
  assert.equal(url, path);
  assert.equal(headers["sec-websocket-protocol"], protocols.join(", "));
  assertPassed(headers);
  const frames = ["text", new Uint8Array([1, 2, 3]), "x".repeat(300_000)];
  for (const frame of frames) client.send(frame);
  for (const frame of frames) assert.deepEqual(await inTime(client.next(), "an echo"), frame);
  client.socket.close();
  await inTime(client.closed, "the socket closes");
}

async function tryRequest(front: Front): Promise<void> {
  for (const path of ["/realtime/v1/api/broadcast/a%2Fb%20c%3Ad/events/e", "/rest/v1/t?select=*"]) {
    const response = await fetch(`https://${front.host}${path}`, {
      headers: { ...forged, ...keys },
    });
    const { url, headers }: Arrived = await response.json();
    assert.equal(url, path);
    assertPassed(headers);
  }
}

function assertPassed(headers: Record<string, string>): void {
  assert.equal(headers.host.split(":")[0], "localhost");
  assert.equal(headers.apikey, keys.apikey);
  assert.equal(headers.authorization, keys.authorization);
  assert.equal(headers["x-forwarded-for"], "127.0.0.1");
  assert.equal(headers["x-forwarded-proto"], "https");
  assert.equal(headers["x-forwarded-host"].split(":")[0], "localhost");
}

async function tryPlain(front: Front): Promise<void> {
  const url = `http://${front.plainHost}/realtime/v1/websocket?apikey=${TOKEN}`;
  const page = await fetch(url, { redirect: "manual" });
  await page.body?.cancel();
  assert.equal(page.status, 308);
  assert.match(page.headers.get("location")!, /^https:.*\/realtime\/v1\/websocket\?apikey=eyJ/);
  // fetch() would not send it.
  const socket = await plainUpgrade(url);
  assert.match(socket, /^HTTP\/1\.1 400 .*Sockets need wss:/s);
}

/** What comes back for an upgrade, up to its sentence or the end. */
async function plainUpgrade(url: string): Promise<string> {
  const { pathname, search, host } = new URL(url);
  using wire = await Wire.to(url);
  await wire.send(
    `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: WebSocket\r\n` +
      "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
      "Sec-WebSocket-Version: 13\r\n\r\n",
  );
  return await wire.until("wss:");
}

/** More than two from one address in one minute, even where a new minute begins in between. */
async function tryLimits(front: Front): Promise<void> {
  const codes = [];
  for (let host = 1; host <= 5; host++) {
    const headers = { "x-forwarded-for": `198.51.100.${host}` };
    const response = await fetch(`https://${front.host}/functions/v1/relay?jwt=${TOKEN}`, {
      headers,
    });
    codes.push((await response.json()).code);
  }
  assert.ok(codes.includes("too_many_handshakes"), `${codes}`);
}

async function tryFailure(front: Front, heads: string[]): Promise<void> {
  const url = `https://${front.host}/realtime/v1/gone?apikey=${TOKEN}`;
  const { status, body } = await fetch(url, { headers: keys });
  await body?.cancel();
  assert.equal(status, 502);
  assert.equal(
    heads[0].split("\r\n")[0],
    `GET ${new URL(url).pathname}?apikey=${TOKEN} HTTP/1.1`,
  );
}

async function tryLogs(front: Front): Promise<void> {
  const all = ["/realtime/v1/websocket", "/rest/v1/t", "/functions/v1/relay", "/realtime/v1/gone"];
  const logged = await inTime(logHas(front, all), "every request is in the log");
  const found = logged.match(/[?&](apikey|jwt|vsn|select)=|eyJ|jwt-|Bearer/g);
  assert.equal(found, null, `${front.name} logs ${found?.[0]}`);
}

/** Proxies write a line when a request is over, some a little later. */
async function logHas(front: Front, words: string[]): Promise<string> {
  while (true) {
    const logs = await front.logs();
    if (words.every((word) => logs.includes(word))) return logs;
    await new Promise((wake) => setTimeout(wake, 20));
  }
}
