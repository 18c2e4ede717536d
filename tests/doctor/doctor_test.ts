import assert from "node:assert/strict";
import { readOptions, UsageError } from "../../tools/doctor/options.ts";
import { describe, findingIds } from "../../tools/doctor/findings/mod.ts";
import { FIXES, linesFor, PROXIES } from "../../tools/doctor/fixes/mod.ts";
import { probeIdle } from "../../tools/doctor/probe/idle.ts";
import { decrypt, encrypt } from "../../tools/doctor/probe/database/tenant/tenant_secret.ts";
import type { Context } from "../../tools/doctor/context.ts";
import { doctor } from "../../tools/doctor/doctor.ts";
import { explain } from "../../tools/doctor/probe/upgrade/ways.ts";
import { addressOf } from "../../tools/doctor/ask/connect.ts";
import { ACCEPT } from "../../tools/doctor/ask/raw_http.ts";
import { judge } from "../../tools/doctor/judge/judge.ts";
import { found, ok } from "../../tools/doctor/check.ts";
import { runCommand } from "./support/command.ts";
import { agree } from "./support/agree.ts";
import { serveBytes } from "./support/bytes.ts";
import { diagnose, run, sawAll } from "./support/run.ts";
import { SECRET, SECRET_KEY, sign, signAnonKey } from "../support/tokens.ts";
import { startUpstream } from "../support/upstream.ts";
import { nginx, NGINX_UPGRADE } from "../support/proxies/configurations.ts";
import { findProxy, startProxy } from "../support/proxies/start.ts";

const KEY = await signAnonKey();
const WAY = { gateway: "127.0.0.1:8000", prefix: "", path: "/realtime/v1/" };
const ENC_KEY = "a-key-of-16-byte";

Deno.test("wrong arguments are told all at once, without the value of a secret", () => {
  const password = "correct-horse";
  const args = [
    ...["ftp://example.com", "--table", "a.b.c", "--wait", "soon", "--proxy", "squid"],
    ...["--db", `mysql://root:${password}@db/x`, "--direct", "http://", "--nonsense", "--env-file"],
  ];
  assert.throws(() => readOptions(args, {}), (error: UsageError) => {
    assert.equal(error.problems.length, 8, error.problems.join("\n"));
    assert.ok(!error.message.includes(password));
    return error instanceof UsageError;
  });
});

Deno.test("a front that is asked by https wants none: the port that does is behind it", async () => {
  const front = new URL("https://project.example/realtime/v1/websocket");
  const reading = { id: "https_wanted", saw: "HTTP 400", fromRealtime: false } as const;
  assert.equal(await explain(reading, front, {} as Context), "https_wanted_behind");
});

Deno.test("a port of 0 is asked as it stands, and not the scheme's own", () => {
  assert.equal(addressOf(new URL("http://example.com:0")).port, 0);
  assert.equal(addressOf(new URL("https://[::1]/")).port, 443);
});

Deno.test("wrong arguments end the command with code 2 and say so on stderr", async () => {
  const { code, out, err } = await run(["--wait", "0"]);
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(err, /Give one URL/);
  assert.match(err, /--wait wants seconds/);
});

Deno.test("a secret is taken from the option, else the environment, else the env file", () => {
  const read = () => "JWT_SECRET=file\nDB_ENC_KEY=file\nSELF_HOST_TENANT_NAME=acme\n";
  const args = ["abc.supabase.co", "--jwt-secret", "option", "--env-file", ".env"];
  const options = readOptions(args, { JWT_SECRET: "environment", DB_ENC_KEY: " " }, read);
  assert.ok(options !== "help");
  assert.equal(options.url.href, "https://abc.supabase.co/");
  assert.equal(options.jwtSecret, "option");
  assert.equal(options.dbEncKey, "file");
  assert.equal(options.tenant, "acme");
});

Deno.test("no secret that the doctor is given, or is told, is in what it prints", async () => {
  const token = await sign();
  const [password, base] = ["p%40ssword-of-a-database", "k".repeat(30)];
  const given = [KEY, token, SECRET, password, decodeURIComponent(password), base, ENC_KEY];
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, `SECRET_KEY_BASE=${base}\nANON_KEY=${KEY}x\nJWT_SECRET=${SECRET}`);
  // What no server should say, at an end that is cut off.
  for (const told of [...given, SECRET_KEY, await sign({ role: "service_role" })]) {
    const said = `${".".repeat(200)} ${told} ${told}`;
    const upstream = startUpstream({ refuse: () => new Response(said, { status: 401 }) });
    const args = [
      ...[`${upstream.url}/realtime/v1?apikey=${KEY}`, "--key", KEY, "--token", token],
      ...["--jwt-secret", SECRET, "--db", `postgres://me:${password}@127.0.0.1:1/postgres`],
      ...["--db-enc-key", ENC_KEY, "--env-file", file, "--wait", "2", "--repair-tenant"],
    ];
    try {
      for (const form of [[], ["--json"]]) {
        const { out, err } = await run([...args, ...form]);
        assert.match(out, /\(hidden\)/);
        for (const secret of [...given, told]) {
          // Half of it is too much as well.
          const half = secret.slice(0, Math.ceil(secret.length / 2));
          assert.ok(!(out + err).includes(half), `it prints ${half}`);
        }
      }
    } finally {
      await upstream.stop();
    }
  }
  await Deno.remove(file);
});

Deno.test("a secret that is a word of the report's own leaves its names and ids as they are", async () => {
  const words = ["database", "version", "failed", "findings", "tcp_refused"];
  for (const word of words) {
    const db = `postgres://me:${word}@127.0.0.1:1/postgres`;
    const result = await diagnose(["http://127.0.0.1:1", "--jwt-secret", word, "--db", db]);
    assert.deepEqual(result.findings.map(({ id }) => id), ["tcp_refused"], word);
    assert.match(result.findings[0].docs, /#tcp_refused$/);
  }
});

Deno.test("a database that cannot be reached is said, and ends with code 2", async () => {
  const upstream = startUpstream({ onSocket: agree });
  try {
    const db = "postgres://me:password@127.0.0.1:1/postgres";
    const result = await diagnose([`${upstream.url}/realtime/v1`, "--key", KEY, "--db", db]);
    assert.deepEqual(result.findings, []);
    assert.equal(result.exitCode, 2);
    assert.match(result.verdict, /could not be looked at/);
  } finally {
    await upstream.stop();
  }
});

Deno.test("the command prints aligned lines, two sentences, the fix, and the page with more", async () => {
  const upstream = startUpstream({
    refuse: () => Response.json({ error: "Tenant not found" }, { status: 404 }),
  });
  try {
    const url = `${upstream.url}/realtime/v1`;
    const { code, stdout, stderr } = await runCommand([url], { ANON_KEY: KEY, NO_COLOR: "1" });
    assert.equal(code, 1);
    const [verdict, advice, lines] = stdout.trim().split("\n\n");
    for (const line of lines.split("\n")) {
      assert.match(line, /^(?:(?:ok|warning|failed|skipped) +(?<=^.{9})| {19})\S/);
      assert.ok(line.length <= 100, line);
    }
    assert.match(verdict, /^It breaks at Realtime\. Realtime has no tenant .*\.$/);
    assert.match(advice, /^tenant_not_found: /);
    assert.match(advice, /docs\/TROUBLESHOOTING\.md#tenant_not_found$/);
    assert.match(stderr, /^reaching .* …$/m);
  } finally {
    await upstream.stop();
  }
});

Deno.test("on a narrow terminal lines end between words, as on a wide one", async () => {
  for (const [width, most] of [[60, 60], [300, 100], [undefined, 100], [0, 100]]) {
    const out: string[] = [];
    const args = ["http://127.0.0.1:1"];
    await doctor(args, {
      ...{ environment: {}, colour: false, columns: width, err() {} },
      out: (text) => out.push(text),
    });
    const lines = out.join("\n").split("\n");
    for (const line of lines) assert.ok(line.length <= most!, `${width}: ${line}`);
    assert.ok(lines.some((line) => line.length > most! - 30), `${width}`);
  }
});

Deno.test("whatever answers at the address, the doctor ends with a verdict", async () => {
  const head = "HTTP/1.1 200 OK\r\n";
  const answers = [
    ...["", "\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/9.9 101 ?\r\n\r\n"],
    ...[`${head}content-length: -1\r\n\r\nx`, `${head}transfer-encoding: chunked\r\n\r\nzz\r\n`],
    ...[`${head}bad header\r\n: \r\nx\0y: \xff\r\n\r\n`, `${head}x: ${"a".repeat(70_000)}`],
    ...[`${head}content-type: application/json\r\n\r\n{"error":`, "\x16\x03\x01\x00\xff\x00"],
    ...["HTTP/1.1 301 Moved\r\nlocation: ::::\r\n\r\n", `HTTP/1.1 999 x\r\n\r\n<html>`],
    `HTTP/1.1 101 x\r\nupgrade: websocket\r\nsec-websocket-accept: ${ACCEPT}\r\n\r\n\x81\x7f`,
  ];
  for (const answer of answers) {
    const server = serveBytes(answer);
    const result = await diagnose([server.url, "--key", KEY, "--wait", "0.3"]);
    await server.stop();
    assert.ok([1, 2].includes(result.exitCode), `${JSON.stringify(answer)}: ${sawAll(result)}`);
    assert.ok(!/failed at it/.test(sawAll(result)), sawAll(result));
  }
});

Deno.test("whatever answers at a relay's address, the doctor does not stumble", async () => {
  const since = "2026-01-01T00:00:00Z";
  const answers: unknown[] = [
    ...[null, [], "x", { status: "ok" }, { status: "ok", since }, { status: "ok", since: "soon" }],
    ...[{ status: "ok", since, checks: null }, { status: "ok", since, checks: { hs256: 1 } }],
    ...[{ status: "misconfigured" }, { status: "misconfigured", problems: "x" }],
    { code: "constructor", message: "a", advice: "b" },
  ];
  for (const answer of answers) {
    const upstream = startUpstream({ onRequest: () => Response.json(answer) });
    const args = [`${upstream.url}/functions/v1/relay`, "--key", KEY, "--wait", "0.3"];
    const result = await diagnose(args).finally(upstream.stop);
    assert.ok(!/failed at it|undefined|NaN/.test(sawAll(result)), sawAll(result));
  }
});

Deno.test("a symptom is told as one, and only its cause is advised on", () => {
  const checks = [found("refused_403", "403"), found("key_expired", "since yesterday")];
  const { causes, symptoms, sentence, exitCode } = judge(checks);
  assert.deepEqual(causes.map(({ id }) => id), ["key_expired"]);
  assert.deepEqual(symptoms.map(({ id }) => id), ["refused_403"]);
  assert.equal(sentence, "It breaks at the keys. The API key has expired.");
  assert.equal(exitCode, 1);
});

Deno.test("what the upgrade was answered is told there, whatever it is about", async () => {
  const body = { error: "Failed to validate JWT signature" };
  const upstream = startUpstream({ refuse: () => Response.json(body, { status: 401 }) });
  try {
    const { out } = await run([`${upstream.url}/realtime/v1`, "--key", KEY]);
    assert.match(out, /^failed +upgrade +HTTP 401: .* {2}\[key_signature\]$/m);
  } finally {
    await upstream.stop();
  }
});

Deno.test("frames that break on the way are no fault of the relay's", () => {
  const { causes } = judge([found("frames_broken", "x"), found("relay_no_upstream", "y")]);
  assert.deepEqual(causes.map(({ id }) => id), ["frames_broken"]);
});

Deno.test("a symptom names what it follows from", async () => {
  const upstream = startUpstream({ refuse: () => new Response(null, { status: 403 }) });
  try {
    const key = await sign({ role: "anon", exp: 1 });
    const { out } = await run([`${upstream.url}/realtime/v1`, "--key", key]);
    assert.match(
      out,
      /^failed +upgrade +HTTP 403, empty; follows from key_expired {2}\[refused_403\]$/m,
    );
  } finally {
    await upstream.stop();
  }
});

Deno.test("of any two findings at least one is a cause: none explains itself away", () => {
  for (const one of findingIds) {
    for (const other of findingIds) {
      const { causes } = judge([found(one, ""), found(other, "")]);
      assert.ok(causes.length > 0, `${one}, ${other}`);
    }
  }
});

Deno.test("a warning alone is no problem", () => {
  const { exitCode, sentence } = judge([ok("upgrade", "101"), found("rls_off", "off")]);
  assert.equal(exitCode, 0);
  assert.match(sentence, /Row level security is off/);
});

Deno.test("every finding says what it is and what to do, in sentences", () => {
  for (const id of findingIds) {
    const { says, fix } = describe(id);
    assert.match(says, /^\S.*\.$/, id);
    assert.match(fix, /^\S.*\.$/, id);
  }
});

Deno.test("every anchor in docs/TROUBLESHOOTING.md is a finding, and none is missing there", () => {
  const page = Deno.readTextFileSync(new URL("../../docs/TROUBLESHOOTING.md", import.meta.url));
  const sections = [...page.matchAll(/^#### (\w+)$/gm)].map(([, id]) => id);
  assert.deepEqual<unknown>(sections, findingIds);
  for (const [, anchor] of page.matchAll(/\]\(#(\w+)\)/g)) {
    assert.ok(sections.includes(anchor), anchor);
  }
});

Deno.test("each proxy has lines for what a proxy can mend", () => {
  for (const [name, fixes] of Object.entries(FIXES)) {
    for (const topic of ["route", "host", "timeouts"] as const) {
      assert.ok(fixes[topic](WAY).length > 20, `${name}: ${topic}`);
    }
  }
  const mended = findingIds.filter((id) => describe(id).lines);
  assert.ok(mended.length > 0);
  for (const id of mended) {
    assert.ok(PROXIES.some((name) => linesFor(describe(id).lines!, name, WAY)), id);
  }
});

Deno.test("where no proxy gave itself away, --proxy is asked for, and prints its lines", async () => {
  const upstream = startUpstream({ refuse: () => new Response("no", { status: 404 }) });
  try {
    const args = [`${upstream.url}/realtime/v1`, "--key", KEY];
    const { findings: [unknown] } = await diagnose(args);
    assert.match(unknown.paste.join(), /no proxy gave itself away; --proxy nginx\|caddy\|.*prints/);
    const { findings: [known] } = await diagnose([...args, "--proxy", "caddy"]);
    assert.equal(known.id, unknown.id);
    // A gateway may answer on this very machine, at a port of its own.
    const [port] = /(?<=:)(?:8000|54321)$/m.exec(known.paste.join("\n")) ?? [];
    const way = { ...WAY, gateway: `127.0.0.1:${port}` };
    assert.deepEqual(known.paste, linesFor("route", "caddy", way));
  } finally {
    await upstream.stop();
  }
});

/** The keys of the examples below. */
const KEYS = { ecb: "supabaserealtime", gcm: "12345678901234567890123456789012" };
const OTHER_KEYS = { ecb: "another-16-bytes", gcm: "x".repeat(32) };
const DEMO_SECRET = "super-secret-jwt-token-with-at-least-32-characters-long";
/** What Realtime itself seeds in every local project; and the other cipher, by another library. */
const STORED = [
  "iNjicxc4+llvc9wovDvqymwfnj9teWMlyOIbJ8Fh6j2WNU8CIJ2ZgjR6MUIKqSmeDmvpsKLsZ9jgXJmQPpwL8w==",
  "g1:AAECAwQFBgcICQoLIOYc7AtWmahBS8/LFkGFNishF38HJukPxfJUR7+VATZ1rnJUQQhmQMr+PM/JTZqpJOQ/QP8LU3l9PQR3jz/C5XAaHDPAVbo=",
];

Deno.test("a tenant's secret is read and written as Realtime does, and only with its key", () => {
  for (const stored of STORED) {
    assert.equal(decrypt(stored, KEYS), DEMO_SECRET);
    assert.equal(decrypt(stored, OTHER_KEYS), undefined);
    assert.equal(decrypt(stored.slice(0, -8), KEYS), undefined);
  }
  assert.equal(encrypt(DEMO_SECRET, KEYS, false), STORED[0]);
  assert.equal(decrypt(encrypt(DEMO_SECRET, KEYS, true), KEYS), DEMO_SECRET);
});

const missing = findProxy("nginx") ? "" : " (skipped: nginx is not installed)";

Deno.test({
  name: `--idle names a proxy that cuts silent sockets${missing}`,
  ignore: missing !== "",
  async fn() {
    const upstream = startUpstream({
      onSocket(socket) {
        socket.onmessage = ({ data }) => {
          const { topic, ref } = JSON.parse(data);
          socket.send(JSON.stringify({ topic, event: "phx_reply", ref, payload: {} }));
        };
      },
    });
    const proxy = await startProxy(
      "nginx",
      nginx(`${NGINX_UPGRADE}
      location / { proxy_pass ${upstream.url}; proxy_read_timeout 2s; }`),
    );
    try {
      const options = readOptions([`${proxy.url}/realtime/v1`, "--idle", "--wait", "3"], {});
      assert.ok(options !== "help");
      const socket = new URL("realtime/v1/websocket", proxy.url);
      const context = { options, target: { kind: "realtime" as const, socket }, progress() {} };
      const checks = await probeIdle(context, [0.1, 6]);
      assert.deepEqual(checks.map(({ id }) => id), [undefined, "idle_cut"]);
    } finally {
      await proxy.stop();
      await upstream.stop();
    }
  },
});
