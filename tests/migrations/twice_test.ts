/** Projects may push some of the migrations without others: what two of them need stands in both. */
import assert from "node:assert/strict";

const FOLDER = new URL("../../supabase/migrations/", import.meta.url);

/** From where `begin` stands in a migration to the end of its body. */
async function part(name: string, begin: string): Promise<string> {
  const text = await Deno.readTextFile(new URL(name, FOLDER));
  const start = text.indexOf(begin);
  assert.ok(start >= 0, `${name} has ${begin}`);
  return text.slice(start, text.indexOf("\n$$;", start));
}

const CLICKS = "20261121000006_broadcast_url_clicks.sql";

for (
  const [begin, other] of [
    ["create or replace function relay.policy_left", "20261129000003_end_sessions.sql"],
    ["if to_regnamespace('relay') is null", "20261129000002_row_broadcasts.sql"],
    ["if to_regclass('realtime.messages') is null", "20261129000003_end_sessions.sql"],
  ]
) {
  Deno.test(`two migrations say the same: ${begin}`, async () => {
    assert.equal(await part(other, begin), await part(CLICKS, begin));
  });
}
