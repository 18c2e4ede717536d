/** The relay on Node and `ws`: this room only translates. */
import "./fill.ts";
import type { AddressInfo } from "node:net";
import process from "node:process";
import {
  type Config,
  ConfigError,
  readConfig,
} from "../../supabase/functions/relay/config/config.ts";
import { createRelay } from "../../supabase/functions/relay/relay.ts";
import { fit } from "./fit.ts";
import { createRuntime } from "./runtime.ts";
import { createFront } from "./http/serve.ts";

/** Answers that are under way when the last socket is closed have this time. */
const LAST_MS = 500;

function serve(config: Config): void {
  const { connections, passes, descriptors = "unknown", ...bounds } = fit(config);
  const closed = Promise.withResolvers<void>();
  const onSignal = () => void server.close(() => closed.resolve());
  const onEnd = () => {
    closed.promise.then(() => process.exit());
    setTimeout(() => process.exit(), LAST_MS);
  };
  const runtime = createRuntime(config, onSignal, onEnd);
  const relay = createRelay({ ...config, ...bounds }, runtime);
  const server = createFront(config, { connections, passes }, relay, runtime);
  server.once("error", fail);
  server.listen(config.port, config.host, () => {
    server.off("error", fail);
    // No descriptor is left to accept with: whoever is connected goes on.
    server.on("error", ({ message }) => runtime.log({ event: "accept_failed", cause: message }));
    const { port } = server.address() as AddressInfo;
    const { maxSockets } = bounds;
    runtime.log({ event: "listening", port, maxSockets, descriptors });
  });
}

function fail({ message }: Error): never {
  console.error(message);
  process.exit(1);
}

try {
  serve(readConfig(process.env));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  for (const problem of error.problems) console.error(problem);
  process.exit(1);
}
