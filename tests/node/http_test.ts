/** What node:http hands on, as it came, and what it gets back. */
import assert from "node:assert/strict";
import { inTime } from "../support/in_time.ts";
import { sign } from "../support/tokens.ts";
import { Wire } from "../support/wire.ts";
import { testOnNode } from "./support/node.ts";

const UPGRADE = [
  ...["Upgrade: websocket", "Connection: Upgrade"],
  ...["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"],
];

const textOf = (...lines: string[]) => `${lines.join("\r\n")}\r\n\r\n`;

testOnNode(
  "an upgrade that is refused by plain HTTP is answered in full, and its connection ends",
  { env: { RELAY_REFUSAL_MAX: "0" } },
  async ({ relay: { address } }) => {
    const cases: [path: string, headers: string[], status: number, code: string][] = [
      ["/relay", UPGRADE, 503, "too_many_refusals"],
      ["/elsewhere", UPGRADE, 404, "not_found"],
      [
        `/relay?jwt=${await sign()}`,
        UPGRADE.with(2, "Sec-WebSocket-Key: short"),
        400,
        "bad_request",
      ],
      ["/relay", UPGRADE.with(3, "Sec-WebSocket-Version: 12"), 400, "bad_request"],
      ["/relay", UPGRADE.toSpliced(2, 1), 400, "bad_request"],
    ];
    for (const [path, headers, status, code] of cases) {
      using wire = await Wire.to(`http://${address}`);
      await wire.send(textOf(`GET ${path} HTTP/1.1`, `Host: ${address}`, ...headers));
      assert.deepEqual(await wire.answer(), [status, code], headers.join());
      assert.ok(await wire.ended());
    }
  },
);

testOnNode(
  "an upgrade to something else is passed over, and its request is served with its body",
  { onRequest: async (request) => new Response(await request.text(), { status: 202 }) },
  async ({ relay: { address } }) => {
    const body = '{"messages":[{"topic":"a","event":"b","payload":{}}]}';
    using wire = await Wire.to(`http://${address}`);
    const head = textOf(
      "POST /relay/api/broadcast HTTP/1.1",
      ...[`Host: ${address}`, `Authorization: Bearer ${await sign()}`],
      ...["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQ"],
      ...["Content-Type: application/json", `Content-Length: ${body.length}`],
    );
    // Part of the body comes with the head, and part of it later.
    await wire.send(head + body.slice(0, 20));
    await wire.send(body.slice(20));
    assert.equal((await wire.answer())[0], 202);
    await wire.send(textOf("GET /relay/health HTTP/1.1", `Host: ${address}`));
    assert.equal((await wire.answer())[0], 200, "the connection serves on");
  },
);

testOnNode(
  "a connection on which each request asks for one leaves nothing behind",
  {},
  async ({ relay: { address, output } }) => {
    using wire = await Wire.to(`http://${address}`);
    const upgrade = ["Connection: Upgrade", "Upgrade: h2c"];
    for (let n = 0; n < 20; n++) {
      await wire.send(textOf("GET /relay/health HTTP/1.1", `Host: ${address}`, ...upgrade));
      assert.equal((await wire.answer())[0], 200);
    }
    // Node warns of the eleventh listener.
    assert.deepEqual(output.filter((line) => !line.startsWith("{")), []);
  },
);

testOnNode(
  "a target and a Host that make no URL are told so",
  {},
  async ({ relay: { address } }) => {
    for (const [target, host] of [["/relay", "a b"], ["*", address]]) {
      using wire = await Wire.to(`http://${address}`);
      await wire.send(textOf(`OPTIONS ${target} HTTP/1.1`, `Host: ${host}`));
      assert.deepEqual(await wire.answer(), [400, "bad_request"], target);
    }
  },
);

testOnNode(
  "so is an upgrade, where a project is passed on",
  { env: { RELAY_PASS: "rest" } },
  async ({ relay: { address } }) => {
    for (const host of ["a b", "a:99999", "%zz"]) {
      using wire = await Wire.to(`http://${address}`);
      await wire.send(textOf("GET /functions/v1/relay HTTP/1.1", `Host: ${host}`, ...UPGRADE));
      assert.deepEqual(await wire.answer(), [400, "bad_request"], host);
    }
  },
);

testOnNode(
  "a head that is too long, or does not come, ends its connection",
  {},
  async ({ relay: { address } }) => {
    using long = await Wire.to(`http://${address}`);
    await long.send(textOf("GET /relay HTTP/1.1", `X: ${"x".repeat(70_000)}`)).catch(() => {});
    assert.match(await long.until("\r\n"), /^HTTP\/1.1 431 /);
    const half = [await Wire.to(`http://${address}`), await Wire.to(`http://${address}`)];
    await half[0].send("GET /relay HTTP/1.1\r\n");
    for (const wire of half) {
      using _ = wire;
      await inTime(wire.until("\r\n\r\n"), "it is given up");
      assert.ok(await wire.ended());
    }
  },
);

testOnNode(
  "20 MB that nobody wants are read off behind the answer; drops of them are cut off",
  {},
  async ({ relay: { address } }) => {
    const head = ["POST /elsewhere HTTP/1.1", `Host: ${address}`];
    using large = await Wire.to(`http://${address}`);
    const size = 20_000_000;
    await large.send(textOf(...head, `Content-Length: ${size}`) + "x".repeat(size));
    assert.deepEqual(await large.answer(), [404, "not_found"]);
    await large.send(textOf("GET /relay/health HTTP/1.1", `Host: ${address}`));
    assert.equal((await large.answer())[0], 200, "the connection serves on");
    using drops = await Wire.to(`http://${address}`);
    await drops.send(textOf(...head, "Transfer-Encoding: chunked"));
    assert.deepEqual(await drops.answer(), [404, "not_found"], "before the body is there");
    await drops.send("1\r\nx\r\n".repeat(20_000)).catch(() => {});
    assert.ok(await drops.ended());
  },
);

/** Of 512 descriptors 90 connections to the project are left. */
const STALLED = 100;

testOnNode(
  "uploads of one address that stand still leave connections to the project for others",
  {
    onRequest: async (request) => new Response(await request.text()),
    env: { RELAY_PASS: "rest", RELAY_TRUSTED_PROXIES: "1" },
    openFiles: 512,
  },
  async ({ relay: { address } }) => {
    const post = (from: string, body: string) =>
      textOf(
        ...["POST /rest/v1/rpc/x HTTP/1.1", `Host: ${address}`, `X-Forwarded-For: ${from}`],
        "Content-Length: 4",
      ) + body;
    const wires = await Promise.all(
      Array.from({ length: STALLED }, () => Wire.to(`http://${address}`)),
    );
    try {
      for (const wire of wires) await wire.send(post("6.6.6.6", "tr"));
      // Those that came last find that there are enough of them.
      assert.deepEqual(await wires.at(-1)!.answer(), [429, "too_many_handshakes"]);
      using other = await Wire.to(`http://${address}`);
      await other.send(post("6.6.6.7", "true"));
      assert.equal((await other.answer())[0], 200);
      // Who is done makes room.
      await wires[0].send("ue");
      assert.equal((await wires[0].answer())[0], 200);
      using next = await Wire.to(`http://${address}`);
      await next.send(post("6.6.6.6", "true"));
      assert.equal((await next.answer())[0], 200);
    } finally {
      wires.forEach((wire) => wire.close());
    }
  },
);

/** Of 112 descriptors 15 connections to the project are left, and 16 requests of one address are let in. */
const MORE_THAN_GO_ON = 30;

testOnNode(
  "whoever leaves while it waits for a connection to the project is under way no more",
  {
    onRequest: async (request) => new Response(await request.text()),
    env: { RELAY_PASS: "rest", RELAY_TRUSTED_PROXIES: "1" },
    openFiles: 112,
  },
  async ({ relay }) => {
    const url = `http://${relay.address}`;
    const head = (from: string, line: string) =>
      textOf(`${line} HTTP/1.1`, "Host: a", `X-Forwarded-For: ${from}`, "Content-Length: 4");
    const wires = await Promise.all(Array.from({ length: MORE_THAN_GO_ON }, () => Wire.to(url)));
    try {
      for (const wire of wires) await wire.send(head("6.6.6.6", "POST /rest/v1/stands"));
      // Those that came last find all connections taken, and one waiting.
      assert.deepEqual(await wires.at(-1)!.answer(), [429, "too_many_handshakes"]);
      const leaving = await Wire.to(url);
      await leaving.send(head("6.6.6.7", "POST /rest/v1/leaves"));
      leaving.close();
      const passed = relay.line(({ event, path }) =>
        event === "pass" && path === "/rest/v1/leaves"
      );
      await inTime(passed, "its request has ended");
    } finally {
      wires.forEach((wire) => wire.close());
    }
  },
);

testOnNode(
  "an answer of the project's may have as large a head as a request",
  {
    onRequest: () => {
      const lines = Array.from({ length: 1_200 }, (_, n) => [`x-${n}`, "x".repeat(20)]);
      return new Response("all", { headers: [...lines, ["set-cookie", "last=1"]] as HeadersInit });
    },
    env: { RELAY_PASS: "rest" },
  },
  async ({ relay: { address } }) => {
    const wire = await Wire.to(`http://${address}`);
    await wire.send(textOf("GET /rest/v1/large HTTP/1.1", "Host: a", "Connection: close"));
    const head = await inTime(new Response(wire.connection.readable).text(), "an answer");
    assert.match(head, /^HTTP\/1\.1 200 /);
    assert.match(head, /^x-1199: /m);
    assert.match(head, /^set-cookie: last=1\r$/m);
  },
);

testOnNode(
  "requests that come before the answers to earlier ones are few on one connection",
  {
    onRequest: ({ url }) =>
      url.endsWith("/waits") ? new Promise<never>(() => {}) : new Response(null, { status: 204 }),
    env: { RELAY_PASS: "rest" },
  },
  async ({ relay: { address } }) => {
    const get = (path: string) => textOf(`GET ${path} HTTP/1.1`, `Host: ${address}`);
    using polite = await Wire.to(`http://${address}`);
    await polite.send(get("/rest/v1/x").repeat(32));
    for (let n = 0; n < 32; n++) assert.equal((await polite.answer())[0], 204);
    for (const path of ["/rest/v1/x", "/functions/v1/relay/health"]) {
      using flood = await Wire.to(`http://${address}`);
      await flood.send(get("/rest/v1/waits") + get(path).repeat(1_000));
      assert.ok(await flood.ended(), path);
    }
    await polite.send(get("/rest/v1/x"));
    assert.equal((await polite.answer())[0], 204, "who was answered may ask again");
  },
);
