import assert from "node:assert/strict";
import { inProject, type Stage } from "./support/project.ts";

const CONFIG = { "supabase/config.toml": 'project_id = "app"\n' };
const [INDEX, RELAY] = ["supabase/functions/relay/index.ts", "supabase/functions/relay/relay.js"];

const CHANGELOG = `# Changelog

## Unreleased

### Before you upgrade

- **Sockets** close earlier.

### What is new

- Much.

## 0.3.0

### Before you upgrade

- A default is another.

## 0.1.0

### Before you upgrade

- Long known.
`;

/** A project in which init was run, and then the world went on. */
const later = (test: (stage: Stage) => Promise<void>) => () =>
  inProject(CONFIG, async (stage) => {
    await stage.init();
    await stage.release("0.4.0", CHANGELOG);
    await test(stage);
  });

Deno.test(
  "run again it renews what nobody changed, and says what changes in behaviour",
  later(async (stage) => {
    const { code, text } = await stage.init();
    assert.equal(code, 0);
    assert.match(text, /^ +change +supabase\/functions\/relay\/relay\.js$/m);
    assert.match(
      stage.read(RELAY),
      /^\/\/ Realtime Relay 0\.4\.0, [^]*\/\/ The relay 0\.4\.0\.\n$/,
    );
    assert.match(
      text,
      /^From 0\.1\.0 to 0\.4\.0\. What changes in behaviour:\n- Sockets close earlier\.\n- A default is another\.\n\n/m,
    );
    assert.match((await stage.init()).text, /All is there already/);
  }),
);

Deno.test(
  "what somebody changed is left, shown, and overwritten by force alone",
  later(async (stage) => {
    const mine = `${stage.read(RELAY)}// mine\n`;
    await stage.write(RELAY, mine);
    const { code, text } = await stage.init();
    assert.equal(code, 1);
    assert.equal(stage.read(RELAY), mine);
    assert.match(text, /^ +leave +supabase\/functions\/relay\/relay\.js, which was changed since/m);
    assert.match(
      text,
      /^# Left alone; --force would do this:\n--- a\/.*relay\.js\n(.*\n)+?-\/\/ mine$/m,
    );
    assert.match(stage.read(INDEX), /Relay 0\.4\.0/, "the others are renewed");
    assert.equal((await stage.remove()).code, 1);
    assert.equal(stage.read(RELAY), mine);
    assert.match(stage.read("supabase/config.toml"), /verify_jwt = false/, "what stays needs it");
    const forced = await stage.init(["--force"]);
    assert.equal(forced.code, 0);
    assert.match(forced.text, /^ +overwrite +supabase\/functions\/relay\/relay\.js$/m);
    assert.match(stage.read(RELAY), /Relay 0\.4\.0/);
  }),
);

Deno.test("a newer version's files are not made older but by force", () =>
  inProject(CONFIG, async (stage) => {
    await stage.release("0.10.0");
    await stage.init();
    await stage.release("0.9.9");
    await assert.rejects(stage.init(), {
      name: "Problem",
      message: /is of version 0\.10\.0, newer than this one \(0\.9\.9\)\. Take the newest/,
    });
    assert.equal((await stage.init(["--force"])).code, 0);
    assert.match(stage.read(RELAY), /Relay 0\.9\.9/);
  }));
