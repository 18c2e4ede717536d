import { workerdMissing } from "../../../tests/hosts/support/workerd.ts";
import { nodeHost, nodeMissing } from "../../../tests/support/node_host.ts";
import { hosts } from "../../../tests/support/relay_host.ts";
import { naiveRelay, wsRelay } from "./other_relays.ts";
import type { Peer } from "./peer.ts";
import { findServers } from "./servers.ts";
import { relayOn, relayOnWorkerd } from "./this_relay.ts";

/** All that is on this machine, proxies first, and the names of what is not. */
export async function findPeers(): Promise<{ peers: Peer[]; absent: string[] }> {
  const { peers, absent } = await findServers();
  for (const host of hosts) {
    if (host.deno) peers.push(naiveRelay(host), await relayOn(host));
    else absent.push(host.name);
  }
  const onNode = await wsRelay();
  if (onNode) peers.push(onNode);
  else absent.push("Node with ws");
  if (nodeMissing) absent.push("this relay on Node");
  else peers.push(await relayOn(nodeHost));
  if (workerdMissing) absent.push("workerd");
  else peers.push(await relayOnWorkerd());
  return { peers, absent };
}
