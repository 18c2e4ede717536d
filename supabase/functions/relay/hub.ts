import type { Identity } from "./authenticate.ts";
import type { Config } from "./config.ts";
import { dialUpstream, type Upstream } from "./dial.ts";
import { type FanOut, Group, type Seat } from "./hub_group.ts";
import { Trunk } from "./hub_trunk.ts";
import { Viewer } from "./hub_viewer.ts";
import type { Runtime } from "./runtime.ts";
import type { Share } from "./share_key.ts";
import type { Unsent } from "./unsent.ts";
import { upstreamUrl, type Vsn, type Wire } from "./upstream.ts";

/** A page that is loaded anew finds its channel as it left it. */
const LINGER_MS = 5_000;

/** Sockets of the hub to Realtime. Whoever finds no place on one gets a tunnel, as without a hub. */
const MAX_TRUNKS = 16;

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

/** What a viewer needs of the hub. */
export interface Groups {
  /** Takes a seat; false where the hub is full. */
  join(vsn: Vsn, topic: string, share: Share, seat: Seat): Group | undefined;
  leave(group: Group, seat: Seat): void;
  /** Resolves when all that Realtime has sent to the group by now was delivered. */
  flush(group: Group): Promise<void>;
  /** A viewer's socket is over. */
  gone(viewer: Viewer): void;
}

export function createHub(config: Config, runtime: Runtime, unsent: Unsent): Hub {
  const { now, log } = runtime;
  const sharing = sharingOf(config, runtime);
  const viewers = new Set<Viewer>();
  const groups = new Map<string, Group>();
  const trunks = new Set<Trunk>();
  const fanOut: FanOut = { received: 0, delivered: 0 };

  const dial = (wire: Wire) => dialUpstream(config, upstreamUrl(config, wire), runtime);

  function open(vsn: Vsn): Trunk {
    const trunk = new Trunk({ vsn, dial: () => dial({ vsn }), unsent, now, log, onEnd: forget });
    trunks.add(trunk);
    return trunk;
  }

  /** A socket on which the topic is free: it can be joined once on each. */
  function place(vsn: Vsn, topic: string): Trunk | undefined {
    const fitting = [...trunks].filter((trunk) => trunk.options.vsn === vsn);
    const free = fitting.find((trunk) =>
      trunk.groups.size < config.maxJoins && !trunk.groups.has(topic)
    );
    if (free) return free;
    const left = fitting.find((trunk) => trunk.groups.get(topic)?.linger !== undefined);
    if (!left) return trunks.size < MAX_TRUNKS ? open(vsn) : undefined;
    drop(left.groups.get(topic)!);
    return place(vsn, topic);
  }

  function trunkOf(group: Group): Trunk | undefined {
    for (const trunk of trunks) if (trunk.groups.get(group.topic) === group) return trunk;
  }

  /** Leaves the channel that nobody needs. */
  function drop(group: Group): void {
    trunkOf(group)?.leave(group);
    forget(group);
  }

  function forget(group: Group): void {
    clearTimeout(group.linger);
    groups.delete(group.options.share.name);
    for (const trunk of trunks) if (trunk.groups.size === 0) trunks.delete(trunk);
  }

  const shared: Groups = {
    join(vsn, topic, share, seat) {
      let group = groups.get(share.name);
      if (!group) {
        const trunk = place(vsn, topic);
        if (!trunk) return undefined;
        group = new Group({ vsn, topic, share, fanOut, now });
        groups.set(share.name, group);
        trunk.join(group);
      }
      clearTimeout(group.linger);
      group.linger = undefined;
      group.add(seat);
      return group;
    },
    leave(group, seat) {
      group.remove(seat);
      if (!group.isEmpty || groups.get(group.options.share.name) !== group) return;
      group.linger ??= setTimeout(() => drop(group), LINGER_MS);
    },
    flush: (group) => trunkOf(group)?.flush() ?? Promise.resolve(),
    gone: (viewer) => void viewers.delete(viewer),
  };

  const viewerOptions = { dial, groups: shared, unsent, config };

  return {
    serves: ({ kind }) => sharing === "anonymous" && kind === "anonymous",
    viewer(identity, wire) {
      const key = identity.kind === "anonymous" ? identity.key ?? "" : "";
      const viewer = new Viewer(wire, key, viewerOptions);
      viewers.add(viewer);
      return viewer;
    },
    report() {
      const { received, delivered } = fanOut;
      return {
        sharing,
        viewers: viewers.size,
        groups: groups.size,
        upstreams: [...trunks].filter((trunk) => trunk.isOpen).length,
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
