import { ADDRESS_SET_UPS } from "./support/doctor/addresses.ts";
import { ENV_FILE_SET_UPS, HEALTHY_ENV_FILE } from "./support/doctor/env_files.ts";
import { PROXY_SET_UPS } from "./support/doctor/proxies.ts";
import { REALTIME_SET_UPS } from "./support/doctor/realtime.ts";
import { HEALTHY_RELAYS, RELAY_SET_UPS } from "./support/doctor/relay.ts";
import { tryAll, tryHealthy, withStage } from "./support/doctor/stage.ts";

Deno.test("the doctor names what is broken, and nothing else", async (t) => {
  await withStage(async (stage) => {
    await tryAll(t, stage, ADDRESS_SET_UPS);
    await tryAll(t, stage, PROXY_SET_UPS);
    await tryAll(t, stage, REALTIME_SET_UPS);
    await tryHealthy(t, stage, HEALTHY_RELAYS);
    await tryAll(t, stage, RELAY_SET_UPS);
    await tryHealthy(t, stage, [HEALTHY_ENV_FILE]);
    await tryAll(t, stage, ENV_FILE_SET_UPS);
  });
});
