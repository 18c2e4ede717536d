import type { Awake } from "../peer/awake.ts";
import type { Identity } from "../door/identity.ts";
import type { Config } from "../config/config.ts";
import type { Dialled, Upstream } from "../realtime/dial.ts";
import { Groups, type GroupsOptions } from "./groups.ts";
import { Viewer } from "./viewer.ts";
import type { Runtime } from "../runtime.ts";
import type { Wire } from "../realtime/upstream.ts";

/** What /health tells of the hub. */
export interface HubReport {
  sharing: string;
  viewers: number;
  groups: number;
  upstreams: number;
  received: number;
  delivered: number;
  /** Frames sent for each that came. */
  fanOut: number;
}

/** Many viewers, one channel upstream. */
export interface Hub {
  /** True where this identity's joins are shared; it then needs no socket of its own at first. */
  serves(identity: Identity): boolean;
  /** What stands in for a client's own socket to Realtime. */
  viewer(identity: Identity, wire: Wire): Upstream;
  report(): HubReport;
}

export interface HubOptions extends Pick<GroupsOptions, "config" | "unsent" | "turn" | "measures"> {
  runtime: Runtime;
  awake: Awake;
  /** Opens a socket to Realtime. */
  dial(wire: Wire): Promise<Dialled>;
}

export function createHub({ runtime, dial, ...shared }: HubOptions): Hub {
  const { config, unsent, awake } = shared;
  const { now, log } = runtime;
  const sharing = sharingOf(config, runtime);
  const viewers = new Set<Viewer>();
  const groups = new Groups({ ...shared, dial: (vsn) => dial({ vsn }), now, log });
  const onGone = (viewer: Viewer) => void viewers.delete(viewer);

  return {
    serves: ({ kind }) => sharing === "anonymous" && kind === "anonymous",
    viewer(identity, wire) {
      const key = identity.kind === "anonymous" ? identity.key ?? "" : "";
      const viewer = new Viewer(wire, key, { dial, groups, onGone, unsent, config, now, awake });
      viewers.add(viewer);
      return viewer;
    },
    report() {
      const { received, delivered } = groups.fanOut;
      return {
        sharing,
        viewers: viewers.size,
        groups: groups.size,
        upstreams: groups.upstreams,
        received,
        delivered,
        fanOut: received === 0 ? 0 : Math.round(100 * delivered / received) / 100,
      };
    },
  };
}

/** Whether joins are shared here, in words. */
function sharingOf(config: Config, runtime: Runtime): string {
  if (config.share === "off") return "off: RELAY_SHARE";
  if (config.anonymous === "refuse") return "off: RELAY_ANONYMOUS is refuse";
  if (runtime.timersPerRequest) return "off: here a socket is usable by the request that opened it";
  return "anonymous";
}
