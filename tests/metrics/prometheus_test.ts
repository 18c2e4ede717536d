/** The relay's metrics, read by the programs that they are for. */
import assert from "node:assert/strict";
import { connect } from "../support/client.ts";
import { withDirectory } from "../support/directory.ts";
import { joinText } from "../support/hub/churn.ts";
import { FakeRealtime } from "../support/hub/fake_realtime.ts";
import { METRICS_TOKEN, TOKEN_ENV } from "../support/metrics.ts";
import { hosts } from "../support/relay_host.ts";
import { type ServedRelay, withRelay } from "../support/served_relay.ts";
import { inSeconds, PUBLISHABLE_KEY, sign } from "../support/tokens.ts";
import {
  type Prometheus,
  prometheusMissing,
  promtool,
  startPrometheus,
} from "./support/prometheus.ts";
import {
  alerts,
  configurationFor,
  type Dashboard,
  dashboard,
  namesIn,
  queriesOf,
  SHIPPED,
} from "./support/shipped.ts";

const JOB = "realtime-relay";
const TOPIC = "realtime:clicks";

/** Nothing is there while all is well. */
const MAY_BE_EMPTY = ["Processes that began"];

function test(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  Deno.test({ name: name + prometheusMissing, ignore: prometheusMissing !== "", fn });
}

/** What it asks with is no expression, or comes to nothing. */
async function broken(board: Dashboard, prometheus: Prometheus): Promise<string[]> {
  const found: string[] = [];
  for (const { of, expression, isInstant } of queriesOf(board, JOB)) {
    try {
      const { length } = await prometheus[isInstant ? "query" : "range"](expression);
      if (length === 0 && !MAY_BE_EMPTY.includes(of)) found.push(`${of}: nothing: ${expression}`);
    } catch (error) {
      found.push(`${of}: ${(error as Error).message}`);
    }
  }
  return found;
}

/** Users and viewers who join, hear something and leave; and one who is refused. */
async function live({ relay, urlWith }: ServedRelay, realtime: FakeRealtime): Promise<void> {
  const { address } = relay;
  const viewer = `ws://${address}/relay/websocket?vsn=2.0.0&apikey=${PUBLISHABLE_KEY}`;
  const urls = [viewer, viewer, urlWith(await sign())];
  const clients = urls.map((url) => connect(url));
  await Promise.all(clients.map(async (client) => {
    await client.opened;
    client.send(joinText(1, TOPIC));
    await client.next();
  }));
  realtime.emit(TOPIC, "broadcast", { event: "x", payload: {} });
  await connect(urlWith(await sign({ exp: inSeconds(-1) }))).closed;
  for (const { socket } of clients) socket.close();
  await Promise.all(clients.map(({ closed }) => closed));
}

async function fill(folder: string, address: string): Promise<void> {
  await Deno.writeTextFile(`${folder}/prometheus.yml`, configurationFor(address));
  await Deno.copyFile(`${SHIPPED}alerts.yml`, `${folder}/alerts.yml`);
  await Deno.writeTextFile(`${folder}/relay-metrics-token`, METRICS_TOKEN);
}

test("a Prometheus on the shipped files reads a relay, and answers each query of the dashboard", async (t) => {
  const realtime = new FakeRealtime();
  const env = { ...TOKEN_ENV, RELAY_ANONYMOUS: "allow" };
  await withDirectory((folder) =>
    withRelay(hosts[0], { onSocket: realtime.onSocket, env }, async (served) => {
      const { address } = served.relay;
      await fill(folder, address);
      const prometheus = await startPrometheus(folder);
      try {
        await prometheus.until(`relay_info{job="${JOB}"}`);
        await live(served, realtime);
        await prometheus.until(
          'rate(relay_refusals_total{code="token_expired"}[5s]) > 0 and on () ' +
            "sum(rate(relay_closed_sockets_total[5s])) > 0",
        );
        await t.step("no query is broken", async () => {
          assert.deepEqual(await broken(dashboard, prometheus), []);
        });
        await t.step("a query that is broken is told", () => seesBroken(prometheus));
        await t.step("the dashboard's variables have values", async () => {
          for (const { name, query } of dashboard.templating.list) {
            if (typeof query === "string") continue;
            const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(query.query)!;
            const values = await prometheus.labels(label, selector.replace("$job", JOB));
            assert.deepEqual(values, [{ job: JOB, instance: address }[name]]);
          }
        });
        await t.step("no alert is broken, and none is pending but for what happened", async () => {
          for (const { alert, expr } of alerts) {
            assert.deepEqual(await prometheus.query(expr), [], alert);
            for (const name of namesIn(expr)) {
              assert.ok((await prometheus.query(name)).length > 0, `${alert}: ${name}`);
            }
          }
        });
      } finally {
        await prometheus.stop();
      }
    })
  );
});

async function seesBroken(prometheus: Prometheus): Promise<void> {
  const changes: [string, string][] = [
    ["relay_sockets{", "relay_socket{"],
    ["sum by (state) (", "sum by (state) "],
    ['state=\\"open\\"', 'state=\\"opened\\"'],
    ["_seconds_bucket", "_seconds"],
  ];
  for (const [from, to] of changes) {
    const text = JSON.stringify(dashboard);
    assert.ok(text.includes(from), from);
    const changed = JSON.parse(text.replace(from, to));
    assert.equal((await broken(changed, prometheus)).length, 1, to);
  }
}

test("promtool finds nothing to say of the metrics, the configuration and the alerts", async () => {
  await withDirectory((folder) =>
    withRelay(hosts[0], { env: TOKEN_ENV }, async ({ relay, urlWith }) => {
      const client = connect(urlWith(await sign()));
      await client.opened;
      const answer = await fetch(`http://${relay.address}/relay/metrics`, {
        headers: { authorization: `Bearer ${METRICS_TOKEN}`, accept: "text/plain" },
      });
      const text = await answer.text();
      client.socket.close();
      await client.closed;
      assert.deepEqual(await promtool(folder, ["check", "metrics"], text), {
        success: true,
        told: "",
      });
      await fill(folder, relay.address);
      const { success, told } = await promtool(folder, ["check", "config", "prometheus.yml"]);
      assert.ok(success, told);
    })
  );
});
