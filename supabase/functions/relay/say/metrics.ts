import { codes } from "../errors.ts";
import type { HubReport } from "../hub/hub.ts";
import type { Measures } from "../measure/measures.ts";
import { expose, type Format, type Metric } from "./exposition.ts";
import type { Numbers } from "./health.ts";
import { VERSION } from "./version.ts";

/** The numbers of /health. */
export interface MetricsNumbers extends Numbers {
  /** By what they do. */
  sockets: Record<string, number>;
  maxSockets: number;
  hub: HubReport;
}

/** What a worker has counted and timed. No user, address, topic or key is in it. */
export function metricsText(format: Format, numbers: MetricsNumbers, measures: Measures): string {
  return expose(format, [
    {
      ...{ name: "relay", type: "info", values: { label: "version", of: { [VERSION]: 1 } } },
      help: "The version of the relay.",
    },
    {
      ...{ name: "relay_start_time_seconds", type: "gauge", unit: "seconds" },
      values: numbers.startedAt / 1_000,
      help: "When the worker began, since the epoch.",
    },
    ...socketsOf(numbers),
    ...trafficOf(numbers),
    ...hubOf(numbers.hub),
    ...timesOf(measures),
  ]);
}

function socketsOf({ sockets, maxSockets, served, closedBy, refusals }: MetricsNumbers): Metric[] {
  // A code that has not been yet is 0, so that its first refusal is a rise.
  const every = Object.fromEntries(codes.map((code) => [code, refusals[code] ?? 0]));
  return [
    {
      ...{ name: "relay_sockets", type: "gauge", values: { label: "state", of: sockets } },
      help: "Clients' sockets that are there, by what they do.",
    },
    {
      ...{ name: "relay_sockets_max", type: "gauge", values: maxSockets },
      help:
        "How many sockets are let in at once: RELAY_MAX_SOCKETS, or what the host has room for.",
    },
    {
      ...{ name: "relay_opened_sockets", type: "counter", values: served },
      help: "Sockets that were let in.",
    },
    {
      ...{ name: "relay_closed_sockets", type: "counter", values: { label: "by", of: closedBy } },
      help: "Sockets that were let in and are closed, by who ended them.",
    },
    {
      ...{ name: "relay_refusals", type: "counter", values: { label: "code", of: every } },
      help: "Sockets and requests that were refused, by the code that they were told.",
    },
  ];
}

function trafficOf({ fromClient, fromUpstream }: MetricsNumbers): Metric[] {
  const by = (unit: "messages" | "bytes") => ({
    label: "from",
    of: { client: fromClient[unit], upstream: fromUpstream[unit] },
  });
  return [
    {
      ...{ name: "relay_messages", type: "counter", values: by("messages") },
      help: "Messages that were carried, each viewer's counted, by who sent them.",
    },
    {
      ...{ name: "relay_carried_bytes", type: "counter", unit: "bytes", values: by("bytes") },
      help:
        "Size of the messages that were carried; text counts in UTF-16 units, which for ASCII are bytes.",
    },
  ];
}

function hubOf({ viewers, groups, upstreams, received, delivered }: HubReport): Metric[] {
  return [
    {
      ...{ name: "relay_hub_viewers", type: "gauge", values: viewers },
      help: "Anonymous viewers, who share channels.",
    },
    {
      ...{ name: "relay_hub_groups", type: "gauge", values: groups },
      help: "Channels that are shared.",
    },
    {
      ...{ name: "relay_hub_upstreams", type: "gauge", values: upstreams },
      help: "Sockets to Realtime that carry shared channels.",
    },
    {
      ...{ name: "relay_hub_received", type: "counter", values: received },
      help: "Frames that came for shared channels.",
    },
    {
      ...{ name: "relay_hub_delivered", type: "counter", values: delivered },
      help: "Frames that were sent on to viewers, one counted for each of them.",
    },
  ];
}

function timesOf({ setUp, dial, join, fanOut }: Measures): Metric[] {
  const time = { type: "histogram", unit: "seconds" } as const;
  return [
    {
      ...{ ...time, name: "relay_setup_seconds", values: setUp },
      help: "From a client's request, or the frame that names its user, until it was let in.",
    },
    {
      ...{ ...time, name: "relay_dial_seconds", values: dial },
      help: "Until a socket to Realtime was open.",
    },
    {
      ...{ ...time, name: "relay_join_seconds", values: join },
      help: "From a client's join until its answer; of joins under way together the latest.",
    },
    {
      ...{ ...time, name: "relay_fan_out_seconds", values: fanOut },
      help: "Until all viewers of a shared channel with room had what came together.",
    },
  ];
}
