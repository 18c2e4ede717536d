import { LONG } from "../support/long.ts";
import { nodeMissing } from "../support/node_version.ts";
import { ADDRESS_SET_UPS } from "./support/addresses.ts";
import { ENV_FILE_SET_UPS, HEALTHY_ENV_FILES } from "./support/env_files.ts";
import { EDGE_SET_UPS } from "./support/edges.ts";
import { FRONT_SET_UPS } from "./support/fronts.ts";
import { HEALTHY_ISSUERS, ISSUER_SET_UPS } from "./support/issuers.ts";
import { type OnNode, withDoctorOnNode } from "./support/on_node.ts";
import { PROXY_SET_UPS } from "./support/proxies.ts";
import { REALTIME_SET_UPS } from "./support/realtime.ts";
import { HEALTHY_RELAYS, RELAY_SET_UPS } from "./support/relay.ts";
import { tryAll, tryHealthy, withStage } from "./support/stage.ts";
import { WHOM_SET_UPS } from "./support/whom.ts";

const onNode = nodeMissing ||
  `, and says the same on Node${LONG ? "" : " (in the long form of all set-ups)"}`;

const tryEverything = (t: Deno.TestContext, onNode?: OnNode) =>
  withStage(async (bare) => {
    const stage = { ...bare, onNode };
    await tryAll(t, stage, ADDRESS_SET_UPS);
    await tryAll(t, stage, PROXY_SET_UPS);
    await tryAll(t, stage, REALTIME_SET_UPS);
    await tryAll(t, stage, WHOM_SET_UPS);
    await tryAll(t, stage, FRONT_SET_UPS);
    await tryAll(t, stage, EDGE_SET_UPS);
    await tryHealthy(t, stage, HEALTHY_RELAYS);
    await tryAll(t, stage, RELAY_SET_UPS);
    await tryHealthy(t, stage, HEALTHY_ISSUERS);
    await tryAll(t, stage, ISSUER_SET_UPS);
    await tryHealthy(t, stage, HEALTHY_ENV_FILES);
    await tryAll(t, stage, ENV_FILE_SET_UPS);
  });

Deno.test(
  `the doctor names what is broken, and nothing else${onNode}`,
  (t) => nodeMissing ? tryEverything(t) : withDoctorOnNode((onNode) => tryEverything(t, onNode)),
);
