import assert from "node:assert/strict";
import { SECRET_KEY, sign } from "../../../support/tokens.ts";
import { ask, say, textOf } from "./ask.ts";
import { CUT_OFF, type Project, REASON, TOO_LARGE, ZIPPED } from "./project.ts";

export interface PassStage {
  /** Of the relay: `127.0.0.1:<port>`. */
  address: string;
  project: Project;
  /** What the relay logged of what it passed on. */
  lines(): Record<string, unknown>[];
}

/** Sentences that hold wherever the relay passes a project on, and their proofs. */
export const sentences: Record<string, (stage: PassStage) => Promise<void>> = {
  async "method, target, body and headers reach the project as they came"({ address, project }) {
    const odd = "/rest/v1/t?select=a,b(*)&c=in.(1,2)&d=%22x%22";
    await ask(address, odd, { headers: { prefer: "return=minimal", "sb-x": "1", via: "me" } });
    const name = "/storage/v1/object/b/a%2Fb%20%C3%A9";
    await ask(address, name, { method: "PUT", body: new Uint8Array(3_000_000) });
    await ask(address, "/storage/v1/upload/resumable/1", {
      method: "PATCH",
      headers: { "tus-resumable": "1.0.0", "upload-offset": "0" },
      body: "abc",
    });
    const [get, put, patch] = project.asked.slice(-3);
    assert.deepEqual([get.line, put.line, put.length], [`GET ${odd}`, `PUT ${name}`, 3_000_000]);
    assert.equal(get.headers.prefer, "return=minimal");
    assert.deepEqual([get.headers["sb-x"], get.headers.via], [undefined, undefined]);
    assert.equal(get.headers.host, project.url.slice("http://".length));
    assert.equal(get.headers["x-forwarded-host"], address);
    assert.deepEqual([patch.headers["tus-resumable"], patch.length], ["1.0.0", 3]);
    assert.equal(put.headers["content-length"], "3000000");
  },

  async "encodings, lengths, ETags and ranges come back as they are"({ address }) {
    const headers = { "accept-encoding": "gzip" };
    const zipped = await ask(address, "/rest/v1/zipped", { headers });
    assert.deepEqual([...zipped.body], [...ZIPPED]);
    const { etag, "content-encoding": encoding, "content-length": length } = zipped.headers;
    assert.deepEqual([etag, encoding, length], ['"1"', "gzip", String(ZIPPED.length)]);
    const head = await ask(address, "/rest/v1/zipped", { method: "HEAD", headers });
    assert.deepEqual([head.headers["content-length"], head.body.length], [length, 0]);
    const plain = await ask(address, "/rest/v1/zipped", {
      headers: { "accept-encoding": "identity" },
    });
    assert.equal(textOf(plain), '"plain"');
    const part = await ask(address, "/storage/v1/object/b/part", {
      headers: { range: "bytes=0-1" },
    });
    assert.deepEqual([part.status, part.headers["content-range"]], [206, "bytes 0-1/9"]);
    const beyond = await ask(address, "/storage/v1/object/b/part", {
      headers: { range: "bytes=9-" },
    });
    assert.deepEqual([beyond.status, beyond.headers["content-range"]], [416, "bytes */9"]);
    const none = await ask(address, "/rest/v1/none", { method: "PATCH", body: "{}" });
    assert.deepEqual([none.status, none.headers["x-total"]], [204, "0"]);
  },

  async "events are passed on one by one, and a function's page is nobody's"({ address }) {
    const events = await ask(address, "/functions/v1/events");
    assert.deepEqual(events.pieces, ["data: 1\n\n", "data: 2\n\n"], "they are held");
    assert.equal(events.headers["content-security-policy"], "sandbox");
    assert.equal(events.headers["x-content-type-options"], "nosniff");
  },

  async "a redirect is not followed, and its address and cookies are the relay's"(stage) {
    const { address, project } = stage;
    const before = project.asked.length;
    const { status, headers } = await ask(address, "/auth/v1/authorize?provider=github");
    assert.equal(status, 302);
    assert.equal(headers.location, "/auth/v1/callback?code=1");
    assert.deepEqual(headers["set-cookie"], ["sb-flow=1; Path=/", "b=2; Max-Age=5"]);
    assert.equal(project.asked.length, before + 1);
    await ask(address, "/auth/v1/callback", { headers: { cookie: "sb-flow=1; b=2; other=3" } });
    assert.equal(project.asked.at(-1)!.headers.cookie, "sb-flow=1; b=2");
  },

  async "secret keys, odd paths and what is not there are refused in words, and told"(stage) {
    const { address, project, lines } = stage;
    const service = await sign({ role: "service_role" });
    const refused: [string, Record<string, string>, number, string][] = [
      ["/rest/v1/x", { apikey: SECRET_KEY }, 403, "secret_key"],
      ["/rest/v1/x", { authorization: `Bearer ${service}` }, 403, "secret_key"],
      [`/rest/v1/x?apikey=${SECRET_KEY}`, {}, 403, "secret_key"],
      [`/functions/v1/${SECRET_KEY}`, {}, 403, "secret_key"],
      [`/functions/v1/${SECRET_KEY.replaceAll("_", "%5f")}`, {}, 403, "secret_key"],
      [`/functions/v1/${SECRET_KEY.replaceAll("_", "%255f")}`, {}, 403, "secret_key"],
      [`/functions/v1/x/${service}`, {}, 403, "secret_key"],
      ["/realtime/v1/longpoll", {}, 404, "not_found"],
      ["/realtime/v1/api/tenants", {}, 404, "not_found"],
      ["/rest/v1/a%2fb", {}, 400, "bad_request"],
      ["/rest/v1/..%2f..%2fauth/v1/admin", {}, 400, "bad_request"],
      ["/storage/v1/s3/x", {}, 404, "not_found"],
      ["/pg/query", {}, 404, "not_found"],
    ];
    const before = project.asked.length;
    for (const [path, headers, status, code] of refused) {
      const origin = "https://app.example.com";
      const answer = await ask(address, path, { headers: { ...headers, origin } });
      assert.deepEqual([answer.status, JSON.parse(textOf(answer)).code], [status, code], path);
      assert.equal(answer.headers["access-control-allow-origin"], origin);
    }
    assert.equal(project.asked.length, before);
    const told = lines().filter(({ status }) => status === 403);
    assert.ok(told.length >= 3, "a refused key was logged as something else");
  },

  async "an upgrade that is not for the relay is 501"({ address }) {
    const head = "HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    for (const path of ["/rest/v1/x", "/storage/v1/object/b/relay/websocket"]) {
      assert.match(await say(address, `GET ${path} ${head}`), /^HTTP\/1.1 501 /);
    }
  },

  async "a body stays the body of its request, whatever its method and framing"(stage) {
    const { address, project } = stage;
    const body = "GET /realtime/v1/api/tenants HTTP/1.1\r\nHost: a\r\n\r\n";
    const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const framed = [
      ["Transfer-Encoding: chunked", chunk],
      // Behind more headers than a host may care to list, of those that stay here.
      [`${"TE: trailers\r\n".repeat(1_100)}Transfer-Encoding: chunked`, chunk],
      // What frames a body is named as if it were of the connection.
      [`Connection: Content-Length\r\nContent-Length: ${body.length}`, body],
    ];
    for (const method of ["DELETE", "OPTIONS", "POST"]) {
      for (const [headers, sent] of framed) {
        const before = project.asked.length;
        const head = `${method} /rest/v1/x HTTP/1.1\r\nHost: a\r\n${headers}`;
        assert.match(await say(address, `${head}\r\n\r\n${sent}`), /^HTTP\/1.1 200/);
        await ask(address, "/rest/v1/after");
        const asked = project.asked.slice(before).map(({ line, length }) => [line, length]);
        assert.deepEqual(asked, [[`${method} /rest/v1/x`, body.length], ["GET /rest/v1/after", 0]]);
      }
    }
  },

  async "a body in a coding that would be lost on the way is not passed on"({ address, project }) {
    const before = project.asked.length;
    for (const coding of ["gzip, chunked", "gzip\r\nTransfer-Encoding: chunked"]) {
      const head = `POST /rest/v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${coding}`;
      const said = await say(address, `${head}\r\n\r\n3\r\nabc\r\n0\r\n\r\n`);
      assert.match(said, /^HTTP\/1.1 (?:400|501) /, coding);
    }
    assert.equal(project.asked.length, before);
  },

  async "an upload that is refused before its end leaves the connection to the next request"(
    stage,
  ) {
    const size = 8_000_000;
    const upload = `POST ${TOO_LARGE} HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`;
    const next = "GET /rest/v1/none HTTP/1.1\r\nHost: a\r\n\r\n";
    const said = await say(stage.address, upload + "x".repeat(size) + next, /HTTP\/1.1 204 /);
    assert.deepEqual(said.match(/HTTP\/1.1 \d+/g), ["HTTP/1.1 413", "HTTP/1.1 204"]);
  },

  async "a project that cuts the connection behind its refusal is heard"({ address }) {
    for (let n = 0; n < 10; n++) {
      const body = new Uint8Array(3_000_000);
      const answer = await ask(address, CUT_OFF, { method: "POST", body });
      assert.deepEqual([answer.status, textOf(answer)], [413, REASON]);
    }
  },

  async "a client that leaves while it waits is not waited for, nor is what it sent behind"(stage) {
    const { address, project } = stage;
    const before = project.asked.length;
    const [hostname, port] = address.split(":");
    const leaving = await Deno.connect({ hostname, port: Number(port) });
    const heads = ["/functions/v1/waits", "/rest/v1/none"]
      .map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await leaving.write(new TextEncoder().encode(heads.join("")));
    while (!project.asked.some(({ line }) => line.includes("waits"))) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    leaving.close();
    await project.left;
    await ask(address, "/rest/v1/after");
    const asked = project.asked.slice(before).map(({ line }) => line);
    assert.deepEqual(asked, ["GET /functions/v1/waits", "GET /rest/v1/after"]);
  },

  async "the relay's own paths are the relay's, below either name"({ address }) {
    const health = await ask(address, "/functions/v1/relay/health");
    assert.equal(JSON.parse(textOf(health)).status, "ok");
    const verdict = await ask(address, `/realtime/v1/websocket?jwt=${await sign()}`);
    assert.deepEqual([verdict.status, JSON.parse(textOf(verdict)).code], [426, "upgrade_required"]);
    const url = `ws://${address}/realtime/v1/websocket?vsn=2.0.0`;
    const socket = new WebSocket(url, [`jwt-garbage`]);
    const { code } = await new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
    assert.equal(code, 4401);
  },
};
