/** How the house is built: no import goes round or up, and no folder is a heap. */
import assert from "node:assert/strict";
import { dirname } from "node:path/posix";
import { type Edge, forbidden, within } from "./support/floors.ts";
import { graphOf } from "./support/imports.ts";
import { ringsOf, tell } from "./support/rings.ts";
import { files, sources } from "./support/tree.ts";

const GROUND = ["errors.ts", "runtime.ts"];
const STAGES = ["door/", "realtime/", "peer/", "measure/", "config/", ...GROUND];
const SIMPLE = ["frame.ts", "token.ts", "backoff.ts", "status.ts"];
const PRODUCT = ["supabase/functions/", "client/"];
const VERSION = "supabase/functions/relay/say/version.ts";
const WRITTEN = [
  "init/project/",
  "init/assets.ts",
  "init/change.ts",
  "init/stamp.ts",
  "problem.ts",
];

/** Which room may import which. Nothing else says so; CONTRIBUTING.md draws it. */
const FLOORS = {
  ...within("supabase/functions/relay/", {
    "index.ts": ["deno/", "relay.ts", "config/", "runtime.ts"],
    "deno/": ["runtime.ts"],
    "relay.ts": ["say/", "broadcast/", "hub/", "waiting/", "revoke/", "socket/", ...STAGES],
    "revoke/": STAGES,
    "waiting/": ["socket/", ...STAGES],
    "say/": ["hub/", "socket/", ...STAGES],
    "broadcast/": ["door/", "realtime/", "config/", ...GROUND],
    "hub/": STAGES,
    "socket/": STAGES,
    "door/": ["peer/", "config/", "errors.ts"],
    "realtime/": ["peer/", "config/", ...GROUND],
    "peer/": GROUND,
    "measure/": ["realtime/", ...GROUND],
    "config/": [],
    "runtime.ts": [],
    "errors.ts": [],
  }),
  "supabase/functions/redirect/": [],
  ...within("client/", {
    "mod.ts": [
      ...["carrier/", "socket.ts", "message_catch_up.ts", "catch_up.ts", "row_change.ts"],
      ...["host.ts", "status.ts"],
    ],
    "carrier/": ["session/", "gap/", "socket.ts", "catch_up.ts", "host.ts", ...SIMPLE],
    "session/": ["gap/", "catch_up.ts", "row_change.ts", ...SIMPLE],
    "gap/": ["catch_up.ts", "row_change.ts", "frame.ts"],
    "socket.ts": ["frame.ts"],
    "message_catch_up.ts": ["catch_up.ts", "row_change.ts", "frame.ts"],
    "catch_up.ts": ["row_change.ts", "frame.ts"],
    "row_change.ts": ["frame.ts"],
    "host.ts": [],
    ...Object.fromEntries(SIMPLE.map((name) => [name, []])),
  }),
  "site/": ["client/"],
  "deploy/": PRODUCT,
  ...within("packages/realtime-relay/", {
    "commands/": ["init/", "problem.ts"],
    "init/plan.ts": [
      ...["init/function/", "init/migrations/", "init/config/", "init/changelog.ts"],
      ...WRITTEN,
    ],
    "init/function/": WRITTEN,
    "init/migrations/": WRITTEN,
    "init/next/": ["init/config/"],
    "init/config/": ["problem.ts"],
    "init/project/": ["init/change.ts", "problem.ts"],
    "init/load.ts": ["init/assets.ts"],
    "init/show.ts": ["init/diff.ts", "init/change.ts"],
    "init/diff.ts": ["init/change.ts"],
    "init/changelog.ts": ["init/stamp.ts"],
    "init/assets.ts": [],
    "init/change.ts": [],
    "init/stamp.ts": [],
    "problem.ts": [],
  }),
  "packages/realtime-relay/main.ts": ["packages/realtime-relay/", VERSION],
  "tools/gate/": [],
  "tools/build/": [
    "packages/realtime-relay/init/stamp.ts",
    "tools/client/",
    "tools/site/",
    VERSION,
  ],
  "tools/client/": PRODUCT,
  "tools/doctor/": PRODUCT,
  "tools/site/": [...PRODUCT, "site/"],
  "tools/stack/": [...PRODUCT, "tools/site/"],
  "tools/replace_block.ts": [],
  "tools/docs.ts": [...PRODUCT, "tools/doctor/", "tools/replace_block.ts"],
  "tools/bench/": [...PRODUCT, "tools/stack/", "tools/replace_block.ts"],
  "tests/": [""],
};

/** Imports by a file or a room that are there nevertheless. */
const EXCEPTIONS: Edge[] = [
  // What starts and shows a relay lives where it is used most.
  "tools/bench/ -> tests/hosts/support/workerd.ts",
  "tools/bench/ -> tests/support/node_host.ts",
  "tools/bench/ -> tests/support/package_host.ts",
  "tools/bench/ -> tests/support/relay_host.ts",
  "tools/bench/ -> tests/support/served_relay.ts",
  "tools/bench/ -> tests/support/tokens.ts",
  "tools/docs.ts -> tests/realtime/support/transcript/deviations.ts",
  "tools/site/main.ts -> tools/stack/cli/options.ts",
  "tools/site/main.ts -> tools/stack/cli/show.ts",
  "tools/site/screenshots.ts -> tests/site/support/browser.ts",
  "tools/site/screenshots.ts -> tests/site/support/mod.ts",
];

const graph = graphOf(sources(""));

Deno.test("no source is part of a circle of imports", () => {
  const own = new Map([...graph].filter(([path]) => !path.startsWith("tests/")));
  const rings = ringsOf(own).map((ring) => tell(own, ring));
  assert.equal(rings.join("\n\n"), "", "these files import each other");
});

Deno.test("no import goes up, but for those that are listed", () => {
  const found = forbidden(graph, FLOORS);
  const covers = (exception: Edge) => {
    const [from, to] = exception.split(" -> ");
    return (edge: Edge) => edge.startsWith(from) && edge.endsWith(` -> ${to}`);
  };
  const news = found.filter((edge) => !EXCEPTIONS.some((it) => covers(it)(edge)));
  assert.equal(news.join("\n"), "", "FLOORS has no line for these imports");
  const old = EXCEPTIONS.filter((it) => !found.some(covers(it)));
  assert.equal(old.join("\n"), "", "these exceptions are no longer needed: strike them out");
});

/** Files a folder may hold of its own: one with more has two things in one room. */
const MOST = 12;

/** In which files are many of a kind, read one at a time. */
const LISTS = ["site/locales", "supabase/migrations"];

Deno.test("no room is a heap: few files each, fewer in the relay's own folder, no test in tests/", () => {
  const folders = Map.groupBy(["packages", "site", "supabase", "tools"].flatMap(files), dirname);
  const heaps = [...folders].filter(([folder, own]) =>
    own.length > MOST && !LISTS.includes(folder)
  );
  assert.deepEqual(heaps.map(([folder]) => folder), []);
  const relay = folders.get("supabase/functions/relay")!;
  assert.ok(relay.length <= 6, relay.join());
  assert.deepEqual(files("tests").filter((path) => /^tests\/[^/]*_test\.ts$/.test(path)), []);
});
