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

/** Status and code of an answer; the code is the relay's own. */
async function readAnswer(wire: Wire): Promise<[status: number, code: string | undefined]> {
  const head = await wire.until("\r\n\r\n");
  const size = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
  const body = String(await wire.take(size));
  return [Number(head.split(" ")[1]), body ? JSON.parse(body).code : undefined];
}

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
      assert.deepEqual(await readAnswer(wire), [status, code], headers.join());
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
    assert.equal((await readAnswer(wire))[0], 202);
    await wire.send(textOf("GET /relay/health HTTP/1.1", `Host: ${address}`));
    assert.equal((await readAnswer(wire))[0], 200, "the connection serves on");
  },
);

testOnNode(
  "a target and a Host that make no URL are told so",
  {},
  async ({ relay: { address } }) => {
    for (const [target, host] of [["/relay", "a b"], ["*", address]]) {
      using wire = await Wire.to(`http://${address}`);
      await wire.send(textOf(`OPTIONS ${target} HTTP/1.1`, `Host: ${host}`));
      assert.deepEqual(await readAnswer(wire), [400, "bad_request"], target);
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
