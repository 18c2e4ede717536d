import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { addressOf } from "../../supabase/functions/relay/door/address.ts";
import { authorizeKey, authorizeOrigin } from "../../supabase/functions/relay/door/authorize.ts";
import {
  answeredProtocol,
  readCredential,
} from "../../supabase/functions/relay/door/credential.ts";
import { checkHandshake, isUpgrade } from "../../supabase/functions/relay/door/handshake.ts";
import { offeredProtocols } from "../../supabase/functions/relay/door/places.ts";
import { authorizeJoin } from "../../supabase/functions/relay/door/policy.ts";
import { routeOf } from "../../supabase/functions/relay/door/route.ts";
import { readToken, subjectOf } from "../../supabase/functions/relay/door/token.ts";
import { causeOf, RelayError } from "../../supabase/functions/relay/errors.ts";
import { wireOf } from "../../supabase/functions/relay/realtime/upstream.ts";
import { isPrefetch } from "../../supabase/functions/redirect/prefetch.ts";
import { createRedirect } from "../../supabase/functions/redirect/redirect.ts";
import { assertLinear } from "../support/cost.ts";

const config = readConfig({
  SUPABASE_URL: "https://abc.supabase.co",
  SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_a","web":"sb_publishable_b"}',
  RELAY_ORIGINS: "https://a.test,https://*.b.test",
  RELAY_POLICY: '{"*":{"topics":["room:*"],"tables":["public.*"]}}',
});

/** Makes the work of who reads what a stranger sent; what it throws is its answer. */
type Reader = (text: string) => () => unknown;

const header = (name: string, read: (headers: Headers) => unknown, prefix = ""): Reader => {
  return (text) => {
    const headers = new Headers({ ...UPGRADE, [name]: prefix + text });
    return () => read(headers);
  };
};
const UPGRADE = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};
/** Three parts that are worth a look, each of which ends in an error that is caught. */
const TOKEN = `a.${"e".repeat(24)}.c,`;
const plain = new URL("http://x/relay");
const credential = (headers: Headers) => readCredential(plain, headers, config);
const query: Reader = (search) => {
  const headers = new Headers();
  return () => {
    const url = new URL(`http://x/relay?${search}`);
    wireOf(url);
    return readCredential(url, headers, config);
  };
};
const redirect = createRedirect({ open: () => Promise.resolve("https://x.test/") });
const opening = (path: string, headers: Record<string, string> = {}) => {
  const request = { method: "GET", url: `http://x${path}`, headers: new Headers(headers) };
  return () => redirect(request as Request);
};

/** By reader: where its text comes from, the reader, and what to write 16,000 and 64,000 times. */
const READERS: [string, Reader, string[]][] = [
  ["Connection", header("connection", (it) => checkHandshake(it, "phoenix", true)), [
    ...[" ", "\t", ",", " ,", "a", "upgrade,", "\xa0"],
  ]],
  ["Upgrade", header("upgrade", isUpgrade), [" ", ",", "websocket,"]],
  [
    "Sec-WebSocket-Protocol, answered",
    header("sec-websocket-protocol", (it) => answeredProtocol(offeredProtocols(it))),
    [" ", "\t", ",", " ,", "a,", "jwt-,", "jwt-", "phoenix,"],
  ],
  [
    "Sec-WebSocket-Protocol, to be completed",
    header("sec-websocket-protocol", (it) => checkHandshake(it, "phoenix", true)),
    [" ", ",", ", ", "a, "],
  ],
  [
    "Sec-WebSocket-Protocol, its tokens",
    header("sec-websocket-protocol", credential),
    [" ", ",", ".", "jwt-a,", "jwt-", "base64url.bearer.phx.!,", "a.b.c,", TOKEN],
  ],
  [
    "the Phoenix entry",
    header("sec-websocket-protocol", credential, "base64url.bearer.phx."),
    ["A", "=", "-", "_", " ", ".", "!"],
  ],
  [
    "Authorization",
    header("authorization", credential),
    [" ", "\xa0", "bearer ", "bearer", ".", "a.", ",", "Bearer a,", "Basic "],
  ],
  [
    "a bearer",
    header("authorization", credential, "Bearer "),
    [" ", "\xa0", "\t", "a", ".", "a.b.c ", "sb_", "="],
  ],
  ...["apikey", "x-api-key", "sb-api-key", "cookie"].map((name): [string, Reader, string[]] => [
    name,
    header(name, credential),
    [" ", ",", ".", "a", "a.b.c,", TOKEN, "sb_", "Bearer ", "%ff"],
  ]),
  ["Origin", (text) => () => authorizeOrigin(`https://${text}.b.test`, config), [
    "a",
    ".",
    "-",
    "/",
  ]],
  ["Origin, whole", (text) => () => authorizeOrigin(text, config), ["https://", " ", "*"]],
  ...[1, 16].map((proxies): [string, Reader, string[]] => [
    `X-Forwarded-For by ${proxies}`,
    header("x-forwarded-for", (it) => addressOf(it, proxies)),
    [" ", ",", " ,", ":", "::", "0:", "0", "1", ".", "1.", "[", "]", "[:]:1", "a:", "1.1.1.1,"],
  ]),
  [
    "an IPv6 address",
    header("x-forwarded-for", (it) => addressOf(it, 1), "[::"),
    [":", "0", "0:", "]:", "::ffff:", "1."],
  ],
  ["query", query, [
    "&",
    "=",
    "%",
    "%2",
    "+",
    "jwt=&",
    "jwt=a&",
    "apikey=a&",
    "a=a.b.c&",
    "vsn=&",
    `a=${TOKEN}&`,
  ]],
  ["query jwt", (text) => query(`jwt=${text}`), [" ", "%20", ".", "a", "a.b.c.", "sb_", "%00"]],
  ["query apikey", (text) => query(`apikey=${text}`), [" ", "%20", ".", "a", "sb_"]],
  ["query vsn", (text) => query(`vsn=${text}`), [" ", "0", "2.0.0"]],
  [
    "path",
    (text) => () => routeOf("GET", `/${text}/x`),
    ["/", "/relay", "relay/", "/relay/api/broadcast", "/relay/api/broadcast/a/events/", "a", "%41"],
  ],
  [
    "path, its topic",
    (text) => () => routeOf("POST", `/relay/api/broadcast/${text}/events/e`),
    ["a", "%41", "%ff", "events", ".", "%2e", "%2f"],
  ],
  [
    "path, its event",
    (text) => () => routeOf("POST", `/relay/api/broadcast/t/events/${text}/`),
    ["a", "%41", "%ff", "/", "/events/a"],
  ],
  [
    "path, its credentials",
    (text) => () => readCredential(new URL(`http://x/${text}/relay`), new Headers(), config),
    ["/", "a", ".", "a.b.c/", "%41", "%ff", "%ff/", "%/", TOKEN, "sb_"],
  ],
  ["a key in a frame", (text) => () => authorizeKey(text, config), [
    ".",
    "a",
    "a.",
    "sb_",
    "a.b.c ",
    " ",
  ]],
  ["a token", (text) => () => readToken(text, config, 0), ["a", ".", "a.", "-"]],
  ["a stale token", (text) => () => subjectOf(text, config), ["a", ".", "a."]],
  [
    "a topic",
    (text) => () => authorizeJoin({ kind: "anonymous" }, text, {}, new Set(), config),
    ["realtime:", "a", "*", "room:"],
  ],
  ...["schema", "table"].map((name): [string, Reader, string[]] => [
    `the ${name} of a binding`,
    (text) => {
      const join = { postgres_changes: [{ schema: "public", table: "a", [name]: text }] };
      return () => authorizeJoin({ kind: "anonymous" }, "realtime:room:a", join, new Set(), config);
    },
    ["_", "%", "\\", ".", "*", "public."],
  ]),
  [
    "what caused a refusal",
    (text) => () => causeOf(new RelayError("internal", "x", { cause: new Error(text) })),
    [
      "a",
      "-",
      "aaaaaaaa.",
      "aaaaaaaa.aaaaaaaa",
      ".",
      "sb_",
      "sb",
      "?",
      "? ",
      " ",
      "eyJ",
      "//",
      "//a",
      "@",
    ],
  ],
  ["redirect, path", (text) => opening(`/${text}/`), [
    ...["/redirect", "redirect/", "/redirect/a/", "/", "a"],
  ]],
  ["redirect, slug", (text) => opening(`/redirect/${text}`), ["a", "/", "-", "%41"]],
  [
    "redirect, Referer",
    (text) => opening("/redirect/a", { referer: `https://${text}` }),
    ["a", ".", "/", "a.", "@", ":", "xn--"],
  ],
  [
    "redirect, User-Agent",
    header("user-agent", isPrefetch),
    ["Snap URL ", "Slack", "Google", "a", " ", "facebookexternalhi"],
  ],
  [
    "redirect, Sec-Purpose",
    header("sec-purpose", isPrefetch),
    ["prefetc", "prefetch1", "a ", " ", ";"],
  ],
];

for (const [name, read, signs] of READERS) {
  Deno.test(`what a stranger sends is read in one pass: ${name}`, () => {
    for (const sign of signs) {
      assertLinear(`${name}, ${JSON.stringify(sign)}`, (count) => {
        // Something before and behind, since the ends of a header are trimmed.
        const text = `Upgrade${sign.repeat(Math.ceil(count / sign.length))}x`;
        return answerOf(read(text));
      });
    }
  });
}

function answerOf(work: () => unknown): () => unknown {
  return () => {
    try {
      return work();
    } catch (error) {
      return error;
    }
  };
}
