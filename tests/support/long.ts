/** True for the full counts: `deno task test:long`, which is RELAY_TEST_LONG=1. */
export const LONG = Deno.env.get("RELAY_TEST_LONG") === "1";

/** Name and `ignore` of a test or step that runs with the full counts alone. */
export const onlyLong = (name: string) => ({
  name: name + (LONG ? "" : " (ignored: a full count)"),
  ignore: !LONG,
});
