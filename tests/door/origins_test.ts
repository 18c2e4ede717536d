import assert from "node:assert/strict";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { hostsOf } from "../../supabase/functions/relay/door/address.ts";
import { authorizeOrigin } from "../../supabase/functions/relay/door/authorize.ts";
import { PUBLISHABLE_KEY } from "../support/tokens.ts";

const configOf = (env: Record<string, string>) =>
  readConfig({
    SUPABASE_URL: "https://abc.supabase.co",
    SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
    ...env,
  });

const isLetIn = (origin: string, listed: string) => {
  try {
    authorizeOrigin(origin, configOf({ RELAY_ORIGINS: listed }));
    return true;
  } catch {
    return false;
  }
};

/** What is listed, and the origins that pages then send and do not send. */
const LISTED: [listed: string, sent: string[], others: string[]][] = [
  ["https://app.example.com/", ["https://app.example.com"], ["http://app.example.com"]],
  ["https://App.Example.COM:443", ["https://app.example.com"], ["https://app.example.com:8443"]],
  ["HTTP://localhost:80", ["http://localhost"], ["http://localhost:8080"]],
  ["https://bücher.example", ["https://xn--bcher-kva.example"], ["https://bcher.example"]],
  ["https://*.Bücher.example/", ["https://a.xn--bcher-kva.example"], ["https://b.example"]],
  ["capacitor://localhost", ["capacitor://localhost"], ["capacitor://localhost.evil", "null"]],
  ["tauri://localhost", ["tauri://localhost"], ["https://localhost"]],
  ["ionic://localhost", ["ionic://localhost"], ["ionic://other"]],
  [
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    ["chrome-extension://abcdefghijklmnopabcdefghijklmnop"],
    ["chrome-extension://pppppppppppppppppppppppppppppppp"],
  ],
  ["moz-extension://de305d54-75b4-431b", ["moz-extension://de305d54-75b4-431b"], [
    "moz-extension://x",
  ]],
  ["http://[::1]:3000", ["http://[::1]:3000"], ["http://[::1]"]],
  ["file://", ["file://"], ["null", "file://x"]],
  ["null", ["null"], ["https://a.test"]],
];

for (const [listed, sent, others] of LISTED) {
  Deno.test(`RELAY_ORIGINS=${listed} lets in what browsers send for it, and nothing else`, () => {
    for (const origin of sent) assert.ok(isLetIn(origin, listed), origin);
    for (const origin of others) assert.ok(!isLetIn(origin, listed), origin);
  });
}

Deno.test("what is no origin is a configuration error that says what is one", () => {
  const wrong = [
    "app.example.com",
    "https://app.example.com/path",
    "https://user@app.example.com",
    "https://*",
    "chrome-extension://*",
    "https://a.*.example.com",
    "https://",
    "https://a b.test",
    "https://app.example.com?x",
  ];
  for (const listed of wrong) {
    assert.throws(() => configOf({ RELAY_ORIGINS: `https://ok.test,${listed}` }), {
      message: /^RELAY_ORIGINS: got .*, wants \* or origins without a path/,
    });
  }
});

/** True where a client with this Origin and these headers is let in. */
function isOwn(origin: string, env: Record<string, string>, headers: Record<string, string> = {}) {
  const config = configOf({ RELAY_ORIGINS: "https://app.example.com", ...env });
  const url = new URL("http://relay.example.com/relay");
  try {
    authorizeOrigin(origin, config, () => hostsOf(url, new Headers(headers), config));
    return true;
  } catch (error) {
    assert.match((error as Error).message, /^This origin may not use the relay: got /);
    return false;
  }
}

Deno.test("RELAY_OWN_ORIGIN=allow lets in who sends the relay's own origin, as React Native does", () => {
  const own = { RELAY_OWN_ORIGIN: "allow" };
  for (
    const origin of [
      "https://relay.example.com",
      "http://relay.example.com",
      "https://relay.example.com:443",
    ]
  ) {
    assert.ok(isOwn(origin, own), origin);
    assert.ok(!isOwn(origin, {}), origin);
  }
  // On hosted projects the worker sees another Host than the one that people connect to.
  assert.ok(isOwn("https://abc.supabase.co", own));
  for (
    const origin of [
      "https://evil.test",
      "https://relay.example.com.evil.test",
      "https://relay.example.com:8443",
      "null",
    ]
  ) {
    assert.ok(!isOwn(origin, own), origin);
  }
});

Deno.test("X-Forwarded-Host counts where a proxy is trusted, and from nobody else", () => {
  const headers = { "x-forwarded-host": "rt.example.org" };
  const own = { RELAY_OWN_ORIGIN: "allow" };
  const trusting = { ...own, RELAY_TRUSTED_PROXIES: "1" };
  assert.ok(!isOwn("https://rt.example.org", own, headers));
  assert.ok(isOwn("https://rt.example.org", trusting, headers));
  const appended = { "x-forwarded-host": "evil.test, rt.example.org" };
  assert.ok(isOwn("https://rt.example.org", trusting, appended));
  assert.ok(!isOwn("https://evil.test", trusting, appended));
});

Deno.test("a refused origin is named, and never what is none", () => {
  const config = configOf({ RELAY_ORIGINS: "https://app.example.com" });
  const told = (origin: string | null) => {
    try {
      authorizeOrigin(origin, { ...config, absentOrigin: "refuse" });
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(told("https://Evil.test:443")!, /got https:\/\/evil\.test\.$/);
  assert.match(told(null)!, /got none\.$/);
  for (const origin of ["\u001b[31m", `https://${"x".repeat(400)}`, "https://a/b c"]) {
    assert.match(told(origin)!, /got a value that is no origin\.$/);
  }
});
