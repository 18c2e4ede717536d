import assert from "node:assert/strict";
import { startGateway } from "../../tools/stack/gateway/gateway.ts";
import { ask, KEYS, withGateway } from "./support/gateway.ts";
import { inTime } from "../support/in_time.ts";
import { onceFree } from "../support/once_free.ts";

Deno.test("an answer comes back as it was given, its repeated fields too", () =>
  withGateway(async ({ url }) => {
    for (const path of ["/functions/v1/redirect/x", "/rest/v1/links"]) {
      const response = await fetch(url + path, {
        redirect: "manual",
        headers: { apikey: KEYS.publishableKey },
      });
      assert.equal(response.status, 302);
      assert.equal(response.headers.get("location"), "https://example.com/");
      assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
      assert.equal(await response.text(), "moved");
    }
  }, () => {
    const headers = new Headers({ location: "https://example.com/" });
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    return new Response("moved", { status: 302, headers });
  }));

Deno.test("bodies are streamed both ways", async () => {
  // An echo: the second piece is only sent once the first has come back.
  await withGateway(async ({ url }) => {
    for (const path of ["/functions/v1/relay", "/rest/v1/links"]) {
      const { readable, writable } = new TransformStream<string, string>();
      const writer = writable.getWriter();
      const answering = fetch(url + path, {
        method: "POST",
        body: readable.pipeThrough(new TextEncoderStream()),
        headers: { apikey: KEYS.publishableKey },
      });
      await writer.write("one");
      const pieces = (await answering).body!.pipeThrough(new TextDecoderStream()).getReader();
      assert.deepEqual(await pieces.read(), { value: "one", done: false });
      await writer.write("two");
      assert.deepEqual(await pieces.read(), { value: "two", done: false });
      await writer.close();
      assert.equal((await pieces.read()).done, true);
    }
  }, (request) => new Response(request.body));
});

Deno.test("a part hears of it when its client leaves", async () => {
  let left: () => void;
  await withGateway(async ({ url }) => {
    for (const path of ["/functions/v1/relay", "/rest/v1/links"]) {
      const told = new Promise<void>((resolve) => left = resolve);
      const leave = new AbortController();
      const headers = { apikey: KEYS.publishableKey };
      const response = await fetch(url + path, { signal: leave.signal, headers });
      await response.body!.getReader().read();
      leave.abort();
      await inTime(told, `${path} is given up`);
    }
  }, () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(1)),
        cancel: () => left(),
      }),
    ));
});

Deno.test("a part hears of it when its client leaves before there is an answer", async () => {
  let [arrived, left]: (() => void)[] = [];
  await withGateway(async ({ url }) => {
    for (const path of ["/functions/v1/relay", "/rest/v1/links"]) {
      const asked = new Promise<void>((resolve) => arrived = resolve);
      const told = new Promise<void>((resolve) => left = resolve);
      const leave = new AbortController();
      const headers = { apikey: KEYS.publishableKey };
      const answer = fetch(url + path, { signal: leave.signal, headers });
      await asked;
      leave.abort();
      await assert.rejects(answer, { name: "AbortError" });
      await inTime(told, `${path} is given up`);
    }
  }, ({ signal }) => {
    const gone = new Promise<Response>((resolve) =>
      signal.addEventListener("abort", () => {
        left();
        resolve(new Response());
      })
    );
    arrived();
    return gone;
  });
});

Deno.test("a part that is not there is 503, one that does not answer 502, and nothing crashes", () =>
  withGateway(async ({ url }, targets) => {
    const status = async (path: string) => {
      const response = await fetch(url + path, { headers: { apikey: KEYS.publishableKey } });
      const { code, message } = await response.json();
      assert.equal(typeof code, "string");
      assert.match(message, /^(The relay|REST) (is not running now|did not answer)$/);
      return response.status;
    };
    const { relay, api } = targets;
    targets.relay = targets.api = undefined;
    assert.equal(await status("/functions/v1/relay"), 503);
    assert.equal(await status("/rest/v1/links"), 503);
    const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    targets.relay = `http://127.0.0.1:${closed.addr.port}`;
    targets.api = () => Promise.reject(new Error("down"));
    closed.close();
    assert.equal(await status("/functions/v1/relay"), 502);
    assert.equal(await status("/rest/v1/links"), 502);
    Object.assign(targets, { relay, api });
    assert.equal((await ask(`${url}/functions/v1/relay`)).path, "/relay");
  }));

Deno.test("an offer to upgrade to anything but a WebSocket is passed over", () =>
  withGateway(async ({ url }) => {
    const connection = await Deno.connect({
      hostname: "127.0.0.1",
      port: Number(new URL(url).port),
    });
    await connection.write(new TextEncoder().encode(
      "GET /functions/v1/relay HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n" +
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    ));
    const answer = new Uint8Array(4096);
    const text = new TextDecoder().decode(answer.subarray(0, (await connection.read(answer))!));
    assert.match(text, /^HTTP\/1\.1 200 /);
    connection.close();
  }));

Deno.test("a taken port is told at once, and freed by stop()", () =>
  withGateway(async (first) => {
    const port = Number(new URL(first.url).port);
    await assert.rejects(startGateway({ port, keys: KEYS, targets: {} }), { code: "EADDRINUSE" });
    await first.stop();
    const second = await onceFree(() => startGateway({ port, keys: KEYS, targets: {} }));
    assert.equal(second.url, first.url);
    await second.stop();
  }));
