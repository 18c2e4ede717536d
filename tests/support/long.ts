/** True for the full counts: `deno task test:long`, which is RELAY_TEST_LONG=1. */
export const LONG = Deno.env.get("RELAY_TEST_LONG") === "1";
