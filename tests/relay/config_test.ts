import assert from "node:assert/strict";
import {
  type Config,
  ConfigError,
  readConfig,
} from "../../supabase/functions/relay/config/config.ts";
import { SECRET_KEY, sign, signAnonKey } from "../support/tokens.ts";

const RIGHT = { SUPABASE_URL: "http://project.test", SUPABASE_PUBLISHABLE_KEY: "a" };
const anonKey = await signAnonKey();

/** Texts of a variable and what is read from them, by the name that it has in Config. */
const READ: [name: string, key: keyof Config, cases: [text: string, value: unknown][]][] = [
  ["RELAY_ANONYMOUS", "anonymous", [["", "join"], ["allow", "allow"], [" refuse ", "refuse"]]],
  ["RELAY_SHARE", "share", [["", "anonymous"], ["off", "off"]]],
  ["RELAY_ISSUER", "issuers", [["", []], ["a, b,,", ["a", "b"]], [",", []]]],
  ["RELAY_AUDIENCE", "audiences", [["", ["authenticated"]], ["a,b", ["a", "b"]]]],
  ["RELAY_ORIGINS", "origins", [
    ["", ["*"]],
    ["null,http://a:81,https://*.b.c", ["null", "http://a:81", "https://*.b.c"]],
  ]],
  ["RELAY_ISSUERS", "otherIssuers", [
    ["", []],
    ['[{"issuer":"https://a","audience":"b"}]', [
      { issuer: "https://a", audience: ["b"], roles: ["anon", "authenticated"] },
    ]],
    ['[{"issuer":"http://localhost:1","audience":"any","jwks":"https://b","roles":["c"]}]', [
      { issuer: "http://localhost:1", audience: "any", jwks: "https://b", roles: ["c"] },
    ]],
  ]],
  ["RELAY_POLICY", "policy", [
    ["", {}],
    ['{"anon":{"topics":["a*","b"],"readOnly":true}}', {
      anon: { topics: ["a*", "b"], readOnly: true },
    }],
  ]],
  ["SUPABASE_JWKS", "jwks", [
    ["", undefined],
    ['[{"kty":"EC","x":1}]', { keys: [{ kty: "EC", x: 1 }] }],
    ['{"keys":[],"z":1}', { keys: [], z: 1 }],
  ]],
  ["SUPABASE_PUBLISHABLE_KEYS", "publicKeys", [
    ["", ["a"]],
    ['{"other":"c","default":" b "}', ["b", "c", "a"]],
    ['{"default":""}', ["a"]],
  ]],
  ["SUPABASE_ANON_KEY", "publicKeys", [[anonKey, ["a", anonKey]]]],
  ["RELAY_MAX_SOCKETS", "maxSockets", [["", undefined], ["007", 7], ["1000000", 1_000_000]]],
  ["PORT", "port", [["", 8787], ["0", 0]]],
];

for (const [name, key, cases] of READ) {
  Deno.test(`${name} is read as it is written, and has its default where it is empty`, () => {
    for (const [text, value] of cases) {
      assert.deepEqual(readConfig({ ...RIGHT, [name]: text })[key], value, text);
    }
  });
}

/** Texts that are refused. */
const WRONG: Record<string, string[]> = {
  SUPABASE_URL: ["", "ftp://a", "https:a", "https://", "a", "http://a b"],
  SUPABASE_PUBLISHABLE_KEYS: ["[]", "null", '["a"]', '{"a":1}', "{", '{"a":"sb_secret_x"}'],
  SUPABASE_PUBLISHABLE_KEY: ["sb_secret_x"],
  SUPABASE_JWKS: ["{}", "null", "[1]", '[{"kty":1}]', '{"keys":{}}', "x"],
  RELAY_ANONYMOUS: ["Allow", "joins"],
  RELAY_AUDIENCE: [","],
  RELAY_ORIGINS: [",", "https://a/x", "a", "https://*", "https://a*b"],
  RELAY_POLICY: [
    ...["[]", "null", "{", '{"anon":null}', '{"anon":[]}', '{"anon":{"x":1}}'],
    ...['{"anon":{"topics":"a"}}', '{"anon":{"topics":["a*b"]}}', '{"anon":{"topics":[""]}}'],
    ...['{"anon":{"readOnly":"true"}}', '{"anon":{"readOnly":null}}', '{"anon":{"toString":1}}'],
  ],
  RELAY_ISSUERS: [
    ...["{}", "null", "[1]", '[{"issuer":"https://a"}]', '[{"issuer":"a","audience":"any"}]'],
    ...['[{"issuer":"http://a","audience":"any"}]', '[{"issuer":"https://a","audience":[]}]'],
    ...['[{"issuer":"https://a","audience":"any","x":1}]'],
    ...['[{"issuer":"https://a","audience":"any","roles":[]}]'],
    ...['[{"issuer":"https://a","audience":"any"},{"issuer":"https://a","audience":"b"}]'],
  ],
  RELAY_TRUSTED_PROXIES: ["-1", "17", "1.5", "1e1", "x"],
  PORT: ["65536"],
};

for (const [name, texts] of Object.entries(WRONG)) {
  Deno.test(`${name} is refused by name where it is wrong, and no key is shown`, () => {
    for (const text of texts) {
      assert.throws(() => readConfig({ ...RIGHT, [name]: text }), (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.problems.length, 1);
        assert.match(error.problems[0], new RegExp(`^${name}: got .*, wants .`));
        assert.ok(!/^SUPABASE_(P|J)/.test(name) || error.problems[0].includes("is not shown"));
        return true;
      }, text);
    }
  });
}

Deno.test("what was put into a wrong variable is not shown where it looks like a secret", async () => {
  const secrets = {
    SUPABASE_URL: "postgresql://postgres:s3cr/t@db.abc.supabase.co:5432/postgres",
    RELAY_ORIGINS: "https://admin:s3cr/t@example.com",
    RELAY_MAX_SOCKETS: SECRET_KEY,
    RELAY_POLICY: await sign({ role: "service_role" }),
  };
  for (const [name, text] of Object.entries(secrets)) {
    assert.throws(() => readConfig({ ...RIGHT, [name]: text }), ({ problems }: ConfigError) => {
      assert.match(problems[0], new RegExp(`^${name}: got a value that is not shown, wants .`));
      return true;
    });
  }
  assert.throws(
    () => readConfig({ ...RIGHT, SUPABASE_URL: "abcdefghijklmnopqrst.supabase.co" }),
    ({ problems }: ConfigError) => problems[0].includes("got abcdefghijklmnopqrst.supabase.co,"),
  );
});

Deno.test("all that is wrong is said at once", () => {
  assert.throws(
    () => readConfig({ PORT: "x", RELAY_SHARE: "x" }),
    ({ problems }: ConfigError) => {
      assert.deepEqual(problems.map((problem) => problem.split(":")[0]), [
        ...["SUPABASE_URL", "RELAY_SHARE", "PORT", "SUPABASE_PUBLISHABLE_KEYS"],
      ]);
      return true;
    },
  );
});
