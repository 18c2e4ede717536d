import { nodeHost } from "../../support/node_host.ts";
import { testOnHosts } from "../../support/relay_host.ts";
import { type RelayOptions, type ServedRelay, withRelay } from "../../support/served_relay.ts";

/** Registers a test with a relay on Node, where there is one. */
export function testOnNode(
  name: string,
  options: RelayOptions,
  test: (served: ServedRelay) => Promise<void>,
): void {
  testOnHosts(name, (host) => withRelay(host, options, test), [nodeHost]);
}
