/** The shipped alerts, as promtool plays them. */
import assert from "node:assert/strict";
import { withDirectory } from "../support/directory.ts";
import { prometheusMissing, promtool } from "./support/prometheus.ts";
import { alerts, SHIPPED } from "./support/shipped.ts";

/** Series by name, with what a relay says every 15 s for 25 minutes, in promtool's words. */
type Said = Record<string, string>;

const refusals = (code: string, values: string): Said => ({
  [`relay_refusals_total{code="${code}"}`]: values,
});

/** All of them took between these bounds, in seconds. */
const took = (name: string, above: string, within: string): Said => ({
  [`relay_${name}_seconds_bucket{le="${above}"}`]: "0x100",
  [`relay_${name}_seconds_bucket{le="${within}"}`]: "0+9x100",
  [`relay_${name}_seconds_bucket{le="+Inf"}`]: "0+9x100",
});

const sockets = (open: number, closing: number, refused: number): Said => ({
  'relay_sockets{state="open"}': `${open}x100`,
  'relay_sockets{state="closing"}': `${closing}x100`,
  'relay_sockets{state="refused"}': `${refused}x100`,
  relay_sockets_max: "100x100",
});

/** For each alert what wakes somebody, and what is near it and does not. */
const CASES: Record<string, { ill: Said; well: Said }> = {
  RelayDown: { ill: { up: "1x80 0x20" }, well: { up: "1x80 0x5 1x14" } },
  RelayBeginsAgain: {
    ill: { relay_start_time_seconds: "1x80 2x5 3x5 4x10" },
    well: { relay_start_time_seconds: "1x80 2x10 3x10" },
  },
  RelayNearlyFull: { ill: sockets(85, 10, 0), well: sockets(85, 0, 50) },
  RelayFull: {
    ill: refusals("too_many_sockets", "0+1x100"),
    well: refusals("too_many_user_sockets", "0+1x100"),
  },
  RelayHasNoRealtime: {
    ill: { ...refusals("upstream_refused", "0+1x100"), ...refusals("upstream_timeout", "0+1x100") },
    well: refusals("upstream_timeout", "0+1x100"),
  },
  RelayHasNoAuth: {
    ill: refusals("auth_unavailable", "0+1x100"),
    well: refusals("auth_unavailable", "9x100"),
  },
  RelayFails: { ill: refusals("internal", "0x80 1x20"), well: refusals("internal", "9x100") },
  RelayDialsSlowly: { ill: took("dial", "2.5", "5.0"), well: took("dial", "0.5", "1.0") },
  RelayFansOutSlowly: { ill: took("fan_out", "0.25", "0.5"), well: took("fan_out", "0.05", "0.1") },
};

/** As every series of one process is labelled. */
const SCRAPED = 'job="realtime-relay",instance="a:8787"';

function labelled(series: string): string {
  const [name, labels = "}"] = series.split("{");
  return `${name}{${SCRAPED},${labels}`;
}

function playOf(alert: string, said: Said, isFiring: boolean) {
  const expr = `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`;
  const exp_samples = [{ labels: "{}", value: isFiring ? 1 : 0 }];
  return {
    name: `${alert} ${isFiring ? "fires" : "does not"}`,
    interval: "15s",
    input_series: Object.entries(said).map(([series, values]) => ({
      series: labelled(series),
      values,
    })),
    promql_expr_test: [{ expr, eval_time: "25m", exp_samples }],
  };
}

Deno.test({
  name: `each alert fires where it should, and not beside it${prometheusMissing}`,
  ignore: prometheusMissing !== "",
  async fn() {
    assert.deepEqual(alerts.map(({ alert }) => alert).sort(), Object.keys(CASES).sort());
    const tests = Object.entries(CASES).flatMap(([alert, { ill, well }]) => [
      playOf(alert, ill, true),
      playOf(alert, well, false),
    ]);
    await withDirectory(async (folder) => {
      // JSON is YAML.
      const plays = { rule_files: [`${SHIPPED}alerts.yml`], evaluation_interval: "15s", tests };
      await Deno.writeTextFile(`${folder}/plays.yml`, JSON.stringify(plays));
      const { success, told } = await promtool(folder, ["test", "rules", "plays.yml"]);
      assert.ok(success, told);
    });
  },
});
