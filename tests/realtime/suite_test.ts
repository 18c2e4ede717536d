import { openBench } from "./support/realtime.ts";
import { realtimeSuite } from "../support/realtime_suite/suite.ts";

realtimeSuite("on the bare Realtime server", async () => {
  const bench = await openBench();
  return {
    sql: bench.sql,
    client: (sub, vsn) => bench.client({ role: "authenticated", sub }, vsn),
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
});
