import assert from "node:assert/strict";
import type { Command } from "./support/hostile/script/command.ts";
import { shrink } from "./support/hostile/script/shrink.ts";
import { ROOMY } from "./support/hostile/world/settings.ts";

const pass = (ms: number): Command => ({ do: "pass", ms });
const close = (c: number): Command => ({ do: "close", c, code: 1006 });

/** A thousand commands, of which two matter, in a world of which one setting does. */
const long = {
  settings: { ...ROOMY, maxSockets: 3, up: 400 },
  script: Array.from({ length: 1_000 }, (_, at) => at === 30 ? close(4) : pass(1_000 + at)),
};

Deno.test("what is found is left with the commands, settings and numbers that it takes", async () => {
  let asked = 0;
  const short = await shrink(long, ({ settings, script }) => {
    asked++;
    const closed = script.findIndex((it) => it.do === "close");
    const after = script.slice(closed).some((it) => it.do === "pass" && it.ms > 100);
    return Promise.resolve(settings.up === 400 && closed >= 0 && after);
  }, 60_000);
  const [first, second, ...more] = short.script;
  assert.deepEqual(short.settings, { ...ROOMY, up: 400 });
  assert.deepEqual([first, second?.do, more], [{ do: "close", c: 0, code: 1006 }, "pass", []]);
  assert.ok(second.do === "pass" && second.ms <= 200, "half of it is still enough");
  assert.ok(asked < 200, `${asked} worlds were played`);
});

Deno.test("a finding stays as it is where there is no time", async () => {
  assert.equal(await shrink(long, () => Promise.resolve(true), 0), long);
});
