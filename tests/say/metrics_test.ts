import assert from "node:assert/strict";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { codes } from "../../supabase/functions/relay/errors.ts";
import { createRelay } from "../../supabase/functions/relay/relay.ts";
import type { Runtime } from "../../supabase/functions/relay/runtime.ts";
import { CONFIG, Stage } from "../support/hub/stage.ts";
import { SECRETS } from "../support/served_relay.ts";
import { ALICE, PUBLISHABLE_KEY, sign } from "../support/tokens.ts";
import { familiesOf, METRICS_TOKEN, TOKEN_ENV, valuesOf } from "../support/metrics.ts";

const TOPIC = "realtime:clicks";
const BEARER = { authorization: `Bearer ${METRICS_TOKEN}` };

/** A request to `…/relay/metrics`, as Prometheus asks. */
const metricsRequest = (headers: Record<string, string> = BEARER, method = "GET") =>
  new Request("http://relay.test/functions/v1/relay/metrics", { method, headers });

async function scrape(stage: Stage): Promise<Map<string, number>> {
  return valuesOf(await (await stage.ask(metricsRequest())).text());
}

Deno.test("metrics are OpenMetrics, whole, to whoever brings the token", async () => {
  using stage = new Stage(TOKEN_ENV);
  const response = await stage.ask(metricsRequest());
  assert.equal(response.status, 200);
  assert.equal(
    response.headers.get("content-type"),
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
  );
  assert.equal(response.headers.get("cache-control"), "no-store");
  const text = await response.text();
  assert.ok(text.endsWith("\n# EOF\n"));
  for (const { name, type, help, unit, samples } of familiesOf(text)) {
    assert.match(name, /^relay(?:_[a-z]+)*$/);
    assert.match(help, /^[A-Z].*\.$/, name);
    assert.ok(unit === undefined || name.endsWith(`_${unit}`), name);
    assert.ok(samples.length > 0, name);
    const suffixes = { counter: /^_total$/, info: /^_info$/, gauge: /^$/ }[type];
    for (const sample of samples) {
      const suffix = sample.name.slice(name.length);
      assert.match(suffix, suffixes ?? /^_(bucket|sum|count)$/, `${type} ${sample.name}`);
    }
  }
});

Deno.test("who asks for text/plain alone is answered in that format", async () => {
  using stage = new Stage(TOKEN_ENV);
  const typeFor = async (accept: string) => {
    const response = await stage.ask(metricsRequest({ ...BEARER, accept }));
    return [response.headers.get("content-type"), await response.text()] as const;
  };
  for (const accept of ["text/plain", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"]) {
    const [type, text] = await typeFor(accept);
    assert.equal(type, "text/plain; version=0.0.4; charset=utf-8");
    assert.doesNotMatch(text, /^# (?:EOF|UNIT)/m);
    assert.match(text, /^# TYPE relay_opened_sockets_total counter$/m);
    assert.match(text, /^# TYPE relay_info gauge$/m);
  }
  for (const accept of ["*/*", "application/openmetrics-text,text/plain;q=0.5", "image/png"]) {
    assert.match((await typeFor(accept))[0]!, /^application\/openmetrics-text; version=1\.0\.0;/);
  }
});

Deno.test("without the token the path is one that is not served, whatever is asked of it", async () => {
  using open = new Stage(TOKEN_ENV);
  const wrong: Record<string, string>[] = [
    {},
    { authorization: METRICS_TOKEN },
    { authorization: `Basic ${btoa(`x:${METRICS_TOKEN}`)}` },
    { authorization: `Bearer ${METRICS_TOKEN.slice(1)}` },
    { authorization: `Bearer ${METRICS_TOKEN}x` },
    { authorization: `Bearer ${await sign()}` },
    { authorization: `Bearer ${PUBLISHABLE_KEY}`, apikey: METRICS_TOKEN },
    { authorization: `Bearer ${"x".repeat(60_000)}` },
  ];
  const nowhere = (await open.ask(new Request("http://relay.test/relay/nothing"))).json();
  for (const method of ["GET", "HEAD", "POST", "OPTIONS", "DELETE"]) {
    for (const headers of wrong) {
      const response = await open.ask(metricsRequest(headers, method));
      assert.equal(response.status, 404, `${method} ${JSON.stringify(headers).slice(0, 60)}`);
      assert.deepEqual(await response.json(), await nowhere);
    }
  }
  using shut = new Stage();
  for (const headers of [BEARER, { authorization: "Bearer " }, { authorization: "Bearer" }, {}]) {
    assert.equal((await shut.ask(metricsRequest(headers))).status, 404);
  }
});

Deno.test("HEAD is answered like GET, whose body the host leaves out; other methods are refused in words", async () => {
  using stage = new Stage(TOKEN_ENV);
  const [get, head] = [
    await stage.ask(metricsRequest()),
    await stage.ask(metricsRequest(BEARER, "HEAD")),
  ];
  assert.equal(head.status, 200);
  assert.deepEqual([...head.headers], [...get.headers]);
  for (const method of ["POST", "PUT", "DELETE"]) {
    const response = await stage.ask(metricsRequest(BEARER, method));
    assert.equal(response.status, 405);
    assert.equal((await response.json()).code, "method_not_allowed");
  }
  assert.equal(
    (await stage.ask(metricsRequest({ authorization: `bearer ${METRICS_TOKEN}` }))).status,
    200,
  );
});

Deno.test("the numbers are those of /health", async () => {
  using stage = new Stage({ ...TOKEN_ENV, RELAY_REFUSAL_DELAY_MS: "0" });
  await stage.view(TOPIC);
  const second = await stage.view(TOPIC);
  const user = await stage.open(await sign());
  user.join("realtime:mine");
  await stage.open(await sign({ exp: 1 }));
  stage.realtime.emit(TOPIC, "broadcast", { event: "x", payload: {} });
  second.socket.end(1001);
  await stage.clock.pass(1);
  const health = await (await stage.ask(new Request("http://relay.test/relay/health"))).json();
  const values = await scrape(stage);
  const get = (name: string) => values.get(name);
  for (const state of ["waiting", "dialling", "open", "closing", "refused"]) {
    assert.equal(get(`relay_sockets{state="${state}"}`), health.sockets[state], state);
  }
  assert.equal(get("relay_sockets_max"), health.sockets.most);
  assert.equal(get("relay_opened_sockets_total"), health.sockets.served);
  for (const by of ["client", "upstream", "relay"]) {
    assert.equal(get(`relay_closed_sockets_total{by="${by}"}`), health.closedBy[by]);
  }
  for (const code of codes) {
    assert.equal(get(`relay_refusals_total{code="${code}"}`), health.refusals[code] ?? 0, code);
  }
  for (const [from, count] of [["client", health.fromClient], ["upstream", health.fromUpstream]]) {
    assert.equal(get(`relay_messages_total{from="${from}"}`), count.messages);
    assert.equal(get(`relay_carried_bytes_total{from="${from}"}`), count.bytes);
  }
  for (const name of ["viewers", "groups", "upstreams"]) {
    assert.equal(get(`relay_hub_${name}`), health.hub[name], name);
  }
  assert.equal(get("relay_hub_received_total"), health.hub.received);
  assert.equal(get("relay_hub_delivered_total"), health.hub.delivered);
  assert.equal(get("relay_start_time_seconds"), Date.parse(health.since) / 1000);
  assert.equal(get(`relay_info{version="${health.version}"}`), 1);
  assert.ok(health.sockets.served === 3 && health.refusals.token_expired === 1, "the stage is set");
  assert.ok(health.hub.delivered >= 2 && health.closedBy.client === 1, "the stage is set");
});

Deno.test("no user, address, topic or key is in them", async () => {
  using stage = new Stage({ ...TOKEN_ENV, RELAY_TRUSTED_PROXIES: "1" });
  await stage.view(TOPIC);
  await stage.view("realtime:room-of-alice", CONFIG, await sign());
  const text = await (await stage.ask(metricsRequest())).text();
  assert.doesNotMatch(text, SECRETS);
  for (const part of [ALICE, "clicks", "alice", "project.test", "authenticated", METRICS_TOKEN]) {
    assert.ok(!text.includes(part), part);
  }
  const labels = new Set([...text.matchAll(/[{,]([a-z_]+)="/g)].map(([, name]) => name));
  assert.deepEqual([...labels].sort(), ["by", "code", "from", "le", "state", "version"]);
});

Deno.test("set-up, dial and join are timed: each where it is over, and none that failed", async () => {
  using stage = new Stage(TOKEN_ENV);
  const counts = async () => {
    const values = await scrape(stage);
    return ["setup", "dial", "join"].map((name) => values.get(`relay_${name}_seconds_count`));
  };
  assert.deepEqual(await counts(), [0, 0, 0]);
  const user = await stage.open(await sign());
  assert.deepEqual(await counts(), [1, 1, 0]);
  for (const topic of ["realtime:a", "realtime:b"]) {
    user.join(topic);
    await stage.clock.settle();
  }
  assert.deepEqual(await counts(), [1, 1, 2]);
  await stage.view(TOPIC);
  await stage.view(TOPIC, CONFIG, undefined, "1.0.0");
  assert.deepEqual((await counts()).slice(0, 1), [3]);
  assert.equal((await counts())[2], 4);
  await stage.open(await sign({ exp: 1 }));
  assert.equal((await counts())[0], 3);
});

Deno.test("a join is timed until Realtime answers, in both wire formats", async () => {
  for (const vsn of ["1.0.0", "2.0.0"] as const) {
    using stage = new Stage(TOKEN_ENV);
    const user = await stage.open(await sign(), vsn);
    const answers: (() => void)[] = [];
    stage.realtime.delay = (answer) => void answers.push(answer);
    user.join('realtime:"täglich"/\\');
    await stage.clock.pass(100);
    for (const answer of [...answers, ...answers]) answer();
    await stage.clock.settle();
    const values = await scrape(stage);
    assert.equal(values.get("relay_join_seconds_count"), 1);
    assert.equal(values.get("relay_join_seconds_sum"), 0.1);
    assert.equal(values.get('relay_join_seconds_bucket{le="0.05"}'), 0);
    assert.equal(values.get('relay_join_seconds_bucket{le="0.1"}'), 1);
    assert.equal(values.get('relay_join_seconds_bucket{le="+Inf"}'), 1);
  }
});

Deno.test("fan-out is timed once a turn, by a clock that nobody reads for each viewer", async () => {
  const reads = async (protocol: string | undefined, viewers: number) => {
    let count = 0;
    using stage = new Stage(TOKEN_ENV, { now: () => ++count });
    stage.protocol = protocol;
    for (let viewer = 0; viewer < viewers; viewer++) await stage.view(TOPIC);
    await stage.clock.settle();
    const turns = async () => (await scrape(stage)).get("relay_fan_out_seconds_count")!;
    const [turnsBefore, before] = [await turns(), count];
    for (let n = 0; n < 10; n++) stage.realtime.emit(TOPIC, "broadcast", { event: "x" });
    await stage.clock.settle();
    return { read: count - before, turns: await turns() - turnsBefore };
  };
  for (const protocol of [undefined, "realtime-relay.v2"]) {
    const [few, many] = [await reads(protocol, 2), await reads(protocol, 40)];
    assert.deepEqual(few, many, String(protocol));
    assert.equal(many.turns, protocol ? 1 : 10);
  }
});

Deno.test("a wrong token of the metrics is told without it", () => {
  const wrong = ["short", "x".repeat(31), "x".repeat(513), "ä".repeat(40), `${"x".repeat(40)} y`];
  wrong.push(`sb_secret_${"x".repeat(40)}`, `sb_publishable_${"x".repeat(40)}`);
  wrong.push(`${"x".repeat(20)}.${"y".repeat(20)}.${"z".repeat(20)}`);
  for (const token of wrong) {
    const relay = () =>
      createRelay(
        readConfig({
          SUPABASE_URL: "http://a.test",
          SUPABASE_ANON_KEY: "a",
          RELAY_METRICS_TOKEN: token,
        }),
        {} as Runtime,
      );
    assert.throws(relay, ({ message }: Error) => {
      assert.match(message, /^RELAY_METRICS_TOKEN: got a value that is not shown, wants /);
      assert.ok(!message.includes(token));
      return true;
    });
  }
});
