import { parse } from "yaml";
import { fileURLToPath } from "node:url";

/** The folder of what is shipped for Prometheus and Grafana, with a slash at its end. */
export const SHIPPED = fileURLToPath(new URL("../../../deploy/metrics/", import.meta.url));

const read = (file: string) => Deno.readTextFileSync(SHIPPED + file);

/** A query of the dashboard: whose it is, and how Grafana sends it. */
export interface PanelQuery {
  of: string;
  expression: string;
  isInstant: boolean;
}

interface Target {
  expr: string;
  instant?: boolean;
}

export interface Dashboard {
  panels: { title: string; targets: Target[] }[];
  annotations: { list: { name: string; expr: string }[] };
  templating: { list: { name: string; query: { query: string } | string }[] };
}

export const dashboard: Dashboard = JSON.parse(read("grafana.json"));

/** Each query of the dashboard, as it is for all processes of a job. */
export function queriesOf({ panels, annotations }: Dashboard, job: string): PanelQuery[] {
  const filled = (text: string) =>
    text.replaceAll("$job", job).replaceAll("$instance", ".*").replaceAll("$__rate_interval", "5s");
  return [
    ...panels.flatMap(({ title, targets }) =>
      targets.map(({ expr, instant = false }) => ({
        of: title,
        expression: filled(expr),
        isInstant: instant,
      }))
    ),
    ...annotations.list.map(({ name, expr }) => ({
      of: name,
      expression: filled(expr),
      isInstant: false,
    })),
  ];
}

/** A rule of alerts.yml. */
export interface Alert {
  alert: string;
  expr: string;
}

export const alerts: Alert[] = parse(read("alerts.yml")).groups.flatMap(
  ({ rules }: { rules: Alert[] }) => rules,
);

/** The shipped prometheus.yml for a relay at this address, asked often. */
export function configurationFor(address: string): string {
  const changed = read("prometheus.yml").replaceAll("15s", "200ms")
    .replace("127.0.0.1:8787", address);
  if (!changed.includes(address)) throw new Error("prometheus.yml names no 127.0.0.1:8787");
  return changed;
}

/** The names of the relay's series in an expression. */
export const namesIn = (expression: string): string[] => expression.match(/\brelay_\w+/g) ?? [];
