/** The package as it is built, on Node. What is packed and installed is installed_test.ts. */
import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path/posix";
import { VERSION } from "../../supabase/functions/relay/say/version.ts";
import { files, ROOT } from "../house/support/tree.ts";
import { withDirectory } from "../support/directory.ts";
import { LONG } from "../support/long.ts";
import { type Built, withPackage } from "./support/built.ts";

const NOBODY = 65_534;

const read = (path: string) => Deno.readTextFileSync(path);

/** All files below a folder, by their paths in it. */
const below = (folder: string, at = ""): string[] =>
  [...Deno.readDirSync(join(folder, at))].flatMap(({ name, isDirectory }) =>
    isDirectory ? below(folder, join(at, name)) : [join(at, name)]
  ).toSorted();

const STEPS: [says: string, proof: (built: Built) => void | Promise<void>, full: boolean][] = [
  ["--version, the packages and the function's header name one version", oneVersion, false],
  ["a command that is not there, and an option, is a sentence", misuse, false],
  ["a project that may not be written to stays as it is, and is told", readOnly, false],
  ["no file of it names a place of this machine, or is somebody's data", noPlace, true],
  ["the stack's sources find each other, and all that they serve", stack, true],
  ["what init writes is a relay, on what Edge Runtime follows", relays, true],
  ["the same sources make the same bytes, all of them", sameAgain, true],
];

Deno.test("the package on Node", async (t) => {
  await withPackage(async (built) => {
    for (const [says, proof, full] of STEPS) {
      const ignore = full && !LONG;
      const name = says + (ignore ? " (ignored: a full count)" : "");
      await t.step({ name, ignore, fn: async () => await proof(built) });
    }
  });
});

async function oneVersion({ home, run }: Built): Promise<void> {
  assert.equal((await run(["--version"], home)).out, `${VERSION}\n`);
  assert.equal(JSON.parse(read(`${home}/package.json`)).version, VERSION);
  assert.equal(JSON.parse(read(`${ROOT}client/package.json`)).version, VERSION);
  assert.match(read(`${home}/function/relay.js`), new RegExp(`^// Realtime Relay ${VERSION}, `));
}

function noPlace({ home }: Built): void {
  const all = below(home);
  for (const path of all) {
    assert.doesNotMatch(path, /(^|\/)(\.env|\.data|\.temp|node_modules|dist)(\/|$)/);
    const text = read(`${home}/${path}`);
    for (const place of [ROOT, homedir(), home]) {
      assert.ok(!text.includes(place), `${path}: ${place}`);
    }
  }
  const kinds = new Set(all.map((path) => path.split("/")[0]));
  for (const kind of ["bin", "client", "function", "migrations", "stack"]) {
    assert.ok(kinds.has(kind));
  }
}

async function stack({ home }: Built): Promise<void> {
  const { importsOf } = await import("../house/support/imports.ts");
  const there = new Set(below(`${home}/stack`));
  const map = JSON.parse(read(`${home}/stack/deno.json`)).imports;
  for (const path of [...there].filter((path) => path.endsWith(".ts"))) {
    for (const name of importsOf(read(`${home}/stack/${path}`))) {
      if (name.startsWith(".")) assert.ok(there.has(join(path, "..", name)), `${path}: ${name}`);
      else assert.ok(/^(node|npm):/.test(name) || bareName(name) in map, `${path}: ${name}`);
    }
  }
  const served = ["supabase", "site"].flatMap(files).filter((path) => !/\/\.|\.env/.test(path));
  for (const path of served) assert.ok(there.has(path), path);
}

const bareName = (name: string) => /^(@[^/]+\/)?[^/]+/.exec(name)![0];

async function misuse({ home, run }: Built): Promise<void> {
  const cases: [string[], number, RegExp][] = [
    [[], 0, /^$/],
    [["--help"], 0, /^$/],
    [
      ["install"],
      2,
      /^There is no command install: there are init, remove, doctor, dev, serve\.\n$/,
    ],
    [
      ["init", "--dry"],
      2,
      /^--dry is not known here, or used the wrong way: --help shows how\.\n$/,
    ],
    [["serve", "8080"], 2, /^serve takes variables, not 8080: --help\.\n$/],
    [
      ["init", "--project", "/nowhere"],
      1,
      /^There is no folder \/nowhere: --project wants one\.\n$/,
    ],
  ];
  for (const [args, code, err] of cases) {
    const ended = await run(args, home);
    assert.equal(ended.code, code, args.join(" "));
    assert.match(ended.err, err);
    if (code === 0) assert.match(ended.out, /\brealtime-relay <command>/);
  }
}

async function relays({ run }: Built): Promise<void> {
  const { hosts: [, oldest], startRelay } = await import("../support/relay_host.ts");
  await withDirectory(async (folder) => {
    // What `npm init` writes makes every .js below it CommonJS, for Node.
    await Deno.writeTextFile(`${folder}/package.json`, '{ "type": "commonjs" }');
    assert.equal((await run(["init"], folder)).code, 0);
    if (!oldest.deno) return;
    const index = `${folder}/supabase/functions/relay/index.ts`;
    const args = [
      "run",
      "--quiet",
      "--no-lock",
      "--no-config",
      "--allow-net",
      "--allow-env",
      index,
    ];
    const relay = await startRelay({ ...oldest, instead: [oldest.deno, ...args] }, {
      SUPABASE_URL: "https://abc.supabase.co",
      SUPABASE_PUBLISHABLE_KEY: "sb_publishable_x",
    });
    try {
      const health = await fetch(`http://${relay.address}/functions/v1/relay/health`);
      assert.equal((await health.json()).version, VERSION);
    } finally {
      await relay.stop();
    }
  });
}

async function readOnly({ run }: Built): Promise<void> {
  // Nothing is read-only to root, who runs this as another user.
  const uid = Deno.uid() === 0 ? NOBODY : undefined;
  await withDirectory(async (folder) => {
    await Deno.mkdir(`${folder}/supabase`);
    const file = `${folder}/supabase/config.toml`;
    await Deno.writeTextFile(file, 'project_id = "app"\n');
    for (
      const [path, mode] of [[file, 0o444], [`${folder}/supabase`, 0o555], [folder, 0o755]] as const
    ) {
      await Deno.chmod(path, mode);
    }
    const { code, err } = await run(["init"], folder, uid);
    await Deno.chmod(`${folder}/supabase`, 0o000);
    const unseen = await run(["init"], folder, uid);
    await Deno.chmod(`${folder}/supabase`, 0o755);
    assert.equal(unseen.code, 1);
    assert.match(unseen.err, /^supabase\/config\.toml cannot be read: EACCES[^\n]*\.\n$/);
    assert.equal(code, 1);
    assert.match(
      err,
      /^Not writable: supabase\/functions\/relay\/index\.ts, .*, supabase\/config\.toml\. Nothing was changed\. Let this user write there/,
    );
    assert.deepEqual(below(folder), ["supabase/config.toml"]);
  });
}

async function sameAgain({ home }: Built): Promise<void> {
  const { buildPackage } = await import("../../tools/build/package.ts");
  await withDirectory(async (directory) => {
    const again = await buildPackage(`${directory}/again`);
    assert.deepEqual(below(again), below(home));
    for (const path of below(home)) {
      assert.ok(read(`${again}/${path}`) === read(`${home}/${path}`), path);
    }
  });
}
