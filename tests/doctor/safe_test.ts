/** Run anywhere, at whatever answers: nothing leaks, nothing is obeyed, nothing is without end. */
import assert from "node:assert/strict";
import { ask } from "../../tools/doctor/ask/raw_http.ts";
import { readText } from "../../tools/doctor/ask/read_text.ts";
import { clean } from "../../tools/doctor/clean.ts";
import { hiderOf } from "../../tools/doctor/hide.ts";
import { keysOf } from "../../tools/doctor/identify/page.ts";
import { wrap } from "../../tools/doctor/report/wrap.ts";
import { inTime } from "../support/in_time.ts";
import { sign, signAnonKey } from "../support/tokens.ts";
import { startUpstream } from "../support/upstream.ts";
import { agree } from "./support/agree.ts";
import { serveBytes } from "./support/bytes.ts";
import { runCommand } from "./support/command.ts";
import { diagnose, run, sawAll } from "./support/run.ts";

const KEY = await signAnonKey();
const TOKEN = await sign();

/** A server that notes all it is told, and answers pages with `html`. */
function listen(html = "", status = 200) {
  const heard: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    heard.push(request.url, ...[...request.headers].map((field) => field.join(": ")));
    if (request.headers.get("upgrade") && !html) {
      const { socket, response } = Deno.upgradeWebSocket(request, {
        protocol: request.headers.get("sec-websocket-protocol")?.split(",")[0],
      });
      socket.onmessage = ({ data }) => heard.push(String(data));
      agree(socket);
      return response;
    }
    const headers = { "content-type": "text/html" };
    return new Response(html, { status: html ? status : 404, headers });
  });
  return {
    ...{
      heard,
      host: `127.0.0.1:${server.addr.port}`,
      url: `http://127.0.0.1:${server.addr.port}`,
    },
    stop: () => Promise.race([server.shutdown(), new Promise((wake) => setTimeout(wake, 500))]),
  };
}

const PAGES: [name: string, html: (url: string) => string][] = [
  ["a visitor's comment", (url) => `<p>I use relay: "${url}/functions/v1/relay" and it works</p>`],
  ["a script", (url) => `<script>relayTransport({ relay: "${url}/functions/v1/relay" })</script>`],
  ["a script's project", (url) => `<script>createClient("${url}", key)</script>`],
  ["a visitor's project", (url) => `<p>createClient("${url}", key)</p>`],
];

for (const [name, html] of PAGES) {
  Deno.test(`a host that ${name} names gets neither key nor token, unless asked for`, async () => {
    const elsewhere = listen();
    const page = listen(html(elsewhere.url));
    try {
      const args = [page.url, "--key", KEY, "--token", TOKEN, "--wait", "1"];
      const { printed } = await diagnose(args);
      for (const secret of [KEY, TOKEN]) {
        assert.ok(!elsewhere.heard.some((line) => line.includes(secret)), "It was sent.");
      }
      if (name.startsWith("a visitor")) {
        assert.deepEqual(elsewhere.heard, [], "It was asked.");
        return;
      }
      assert.match(printed, new RegExp(`asking ${elsewhere.host}, which the page names`));
      assert.match(printed, new RegExp(`not sent to ${elsewhere.host}`));
      await diagnose([...args, "--ask", elsewhere.host]);
      assert.ok(elsewhere.heard.some((line) => line.includes(KEY)), "It was not sent.");
    } finally {
      await page.stop();
      await elsewhere.stop();
    }
  });
}

Deno.test("a project elsewhere, which a page names beside a relay of its own, gets no token", async () => {
  const elsewhere = listen();
  const page = listen();
  const both = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { origin, pathname } = new URL(request.url);
    if (pathname !== "/") return new Response(null, { status: 404 });
    const script =
      `relayTransport({ relay: "${origin}/relay" });createClient("${elsewhere.url}", k)`;
    const headers = { "content-type": "text/html" };
    return new Response(`<script>${script}</script>`, { headers });
  });
  try {
    const url = `http://127.0.0.1:${both.addr.port}`;
    await diagnose([url, "--key", KEY, "--token", TOKEN, "--wait", "1"]);
    for (const secret of [KEY, TOKEN]) {
      assert.ok(!elsewhere.heard.some((line) => line.includes(secret)), "It was sent.");
    }
  } finally {
    await both.shutdown();
    await page.stop();
    await elsewhere.stop();
  }
});

Deno.test("a server that redirects takes neither key nor token with it", async () => {
  const elsewhere = listen();
  const named = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    return Response.redirect(`${elsewhere.url}${pathname}${search}`, 307);
  });
  try {
    const url = `http://127.0.0.1:${named.addr.port}`;
    for (const path of ["", "/functions/v1/relay", "/realtime/v1"]) {
      await diagnose([url + path, "--key", KEY, "--token", TOKEN, "--wait", "1"]);
    }
    assert.deepEqual(elsewhere.heard, []);
  } finally {
    await named.shutdown();
    await elsewhere.stop();
  }
});

/** What a terminal obeys, and what turns a line around. */
const OBEYED = [
  ...["\x1b[2J\x1b[31m", "\x1b]52;c;aGk=\x07", "\x9b31m", "\x1bP+q\x1b\\", "\r\x1b[1A", "\x07\x08"],
  ...["\u202egnp.exe", "\u2066a\u2069", "\u200f", "\u2028", "\ufeff", "\u{e0041}"],
];
/** Lines end, and that is all that they do. */
const obeys = (text: string) => /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(text.replaceAll("\n", ""));

Deno.test("no control character of a server reaches the terminal, nor what reads --json", async () => {
  for (const sign of OBEYED) {
    const bytes = new TextDecoder("latin1").decode(new TextEncoder().encode(sign));
    const body = `${bytes}{"error":"${bytes}"}`;
    const server = serveBytes(
      `HTTP/1.1 401 X${bytes}\r\nserver: a${bytes}b\r\nvia: ${bytes}\r\nlocation: /${bytes}x\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`,
    );
    const frames = startUpstream({
      onSocket(socket) {
        socket.onmessage = ({ data }) => {
          const { topic, ref } = JSON.parse(data);
          const payload = { status: "error", response: { reason: `no${sign}` } };
          socket.send(JSON.stringify({ topic, event: "phx_reply", ref, payload }));
        };
      },
    });
    try {
      for (const url of [server.url, `${frames.url}/realtime/v1`]) {
        for (const form of [[], ["--json"]]) {
          const { out, err } = await run([url, "--key", KEY, "--wait", "1", ...form]);
          assert.ok(!obeys(out + err), JSON.stringify(out + err));
        }
      }
    } finally {
      await server.stop();
      await frames.stop();
    }
    assert.ok(!obeys(clean(`a${sign}b`)));
  }
});

/** An HTTP server that never ends its answers: a head, a body, a page, or a page's script. */
function endless(head: string, piece: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Promise<void>[] = [];
  let sent = 0;
  const serve = async (connection: Deno.Conn) => {
    const bytes = new TextEncoder().encode(piece.repeat(Math.ceil(65_536 / piece.length)));
    try {
      await connection.read(new Uint8Array(16_384));
      await connection.write(new TextEncoder().encode(head));
      while (true) sent += await connection.write(bytes);
    } catch {
      // It was hung up, as it should.
    }
    try {
      connection.close();
    } catch {
      // By the other side.
    }
  };
  const run = (async () => {
    for await (const connection of listener) connections.push(serve(connection));
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    sent: () => sent,
    async stop() {
      listener.close();
      await run;
      await Promise.all(connections);
    },
  };
}

const HEAD = "HTTP/1.1 200 OK\r\n";
const PAGE = `${HEAD}content-type: text/html\r\n\r\n`;
const ENDLESS: [name: string, head: string, piece: string][] = [
  ["head", HEAD, "x: y\r\n"],
  ["page", PAGE, "<p>hello</p>"],
  ["page of what looks like keys", PAGE, "eyJ"],
  ["page of scripts", PAGE, "<script src=a>"],
  ["page of addresses", PAGE, `"https://example.com/a" `],
  ["JSON", `${HEAD}content-type: application/json\r\n\r\n`, '{"error":'],
  ["chunk", `${HEAD}transfer-encoding: chunked\r\n\r\nffffffff\r\n`, "a"],
];
/** A page that is read whole has 4 MiB; a few questions, and what waits in the system's buffers. */
const MOST_BYTES = 64 << 20;

for (const [name, head, piece] of ENDLESS) {
  Deno.test(`an answer without end is read to a bound: ${name}`, async () => {
    const server = endless(head, piece);
    try {
      const result = await inTime(diagnose([server.url, "--key", KEY, "--wait", "2"]), name);
      assert.ok([1, 2].includes(result.exitCode), sawAll(result));
      assert.ok(server.sent() < MOST_BYTES, `${server.sent()} bytes`);
    } finally {
      await server.stop();
    }
  });
}

Deno.test("scripts that are each without end are read to a bound together", async () => {
  const server = endless(PAGE, "<p>hello</p>");
  const room = { left: 300_000 };
  try {
    const read = () => readText(new URL(server.url), { waitMs: 5_000, most: 200_000, room });
    const texts = await inTime(Promise.all([read(), read(), read()]), "they are read");
    const total = texts.reduce((sum, { text }) => sum + text.length, 0);
    assert.ok(total > 200_000 && total <= 300_000, `${total}`);
  } finally {
    await server.stop();
  }
});

Deno.test("of an answer whose length is no number as much is read as of others", async () => {
  for (const length of ["5, 5", "x", "-1"]) {
    const server = endless(`${HEAD}content-length: ${length}\r\n\r\n`, "a");
    try {
      const { body } = await ask(new URL(server.url), { upgrade: false, waitMs: 5_000 });
      assert.equal(body.length, 4_096, length);
    } finally {
      await server.stop();
    }
  }
});

Deno.test("frames without end are listened to up to a bound", async () => {
  let sent = 0;
  const upstream = startUpstream({
    onSocket(socket) {
      socket.onopen = () => {
        const more = setInterval(() => {
          if (socket.readyState !== WebSocket.OPEN) return clearInterval(more);
          for (let n = 0; n < 64 && socket.bufferedAmount < 1 << 20; n++) {
            socket.send(
              JSON.stringify({ topic: "x", event: "x", payload: { x: "x".repeat(9_000) } }),
            );
            sent += 9_000;
          }
        }, 1);
      };
    },
  });
  try {
    const result = await diagnose([`${upstream.url}/realtime/v1`, "--key", KEY, "--wait", "3"]);
    assert.equal(result.exitCode, 1);
    assert.ok(sent < MOST_BYTES, `${sent}`);
  } finally {
    await upstream.stop();
  }
});

Deno.test("300 kB of what looks like the start of a token cost no more than a moment", () => {
  const text = "eyJ".repeat(100_000);
  const start = performance.now();
  keysOf(text);
  hiderOf({ db: undefined, envFile: undefined })(text);
  assert.ok(performance.now() - start < 2_000);
});

Deno.test("lines are broken between words, and what is set in stays in", () => {
  const text = wrap(`${"word ".repeat(60)}${"x".repeat(130)} end`, { first: 9, rest: 19 });
  const lines = text.split("\n");
  assert.ok(lines[0].length <= 91, lines[0]);
  for (const line of lines.slice(1)) {
    assert.match(line, /^ {19}\S/);
    assert.ok(line.length <= 100 || /^ {19}x+$/.test(line), line);
  }
  assert.equal(text.replace(/\s+/g, " "), `${"word ".repeat(60)}${"x".repeat(130)} end`);
});

Deno.test("the real command, piped or not, prints nothing that a terminal obeys", async () => {
  const server = serveBytes("HTTP/1.1 401 X\r\nserver: a\x1b]52;c;aGk=\x07b\r\n\r\nno");
  try {
    const { stdout, stderr } = await runCommand([server.url], { ANON_KEY: KEY });
    assert.ok(!obeys(stdout + stderr), JSON.stringify(stdout));
  } finally {
    await server.stop();
  }
});
