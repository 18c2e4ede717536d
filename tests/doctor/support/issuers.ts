import { hosts, startRelay } from "../../support/relay_host.ts";
import { keyPair } from "../../support/tokens.ts";
import { startUpstream } from "../../support/upstream.ts";
import { agree } from "./agree.ts";
import type { SetUp, Stage } from "./stage.ts";

const theirs = await keyPair("theirs");

/** Another issuer, whose keys stand where its tokens say. */
function startIssuer({ after }: Stage): string {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) =>
      new URL(request.url).pathname === "/.well-known/jwks.json"
        ? Response.json({ keys: [theirs.jwk] })
        : new Response(null, { status: 404 }),
  );
  after(() => server.shutdown());
  return `http://127.0.0.1:${server.addr.port}`;
}

const entryOf = (issuer: string) => ({ issuer, audience: ["my-app"] });

/** A relay of this Realtime, which takes tokens of these issuers beside the project's. */
async function relayOf(
  { stack, after }: Stage,
  url: string,
  issuers: object[],
): Promise<string> {
  const relay = await startRelay(hosts[0], {
    ...{ SUPABASE_URL: url, SUPABASE_ANON_KEY: stack.info.ANON_KEY },
    ...{ RELAY_JWT_SECRET: stack.info.JWT_SECRET, RELAY_ANONYMOUS: "allow" },
    ...{ RELAY_DRAIN_MS: "0", RELAY_REFUSAL_DELAY_MS: "0" },
    RELAY_ISSUERS: JSON.stringify(issuers),
  });
  after(relay.stop);
  return `http://${relay.address}/relay`;
}

/** A Realtime that takes every token, as one does that the issuer is registered with. */
function willing({ after }: Stage): string {
  const upstream = startUpstream({ onSocket: agree });
  after(upstream.stop);
  return upstream.url;
}

const tokenOf = (issuer: string, changes: Record<string, unknown> = {}) =>
  theirs.sign({ iss: issuer, aud: "my-app", sub: "user_2b", ...changes });

const PATIENT = ["--wait", "12"];

export const HEALTHY_ISSUERS: Omit<SetUp, "expect">[] = [
  {
    name: "a token of another issuer, which relay and Realtime take",
    async make(stage) {
      const issuer = startIssuer(stage);
      const relay = await relayOf(stage, willing(stage), [entryOf(issuer)]);
      return [relay, "--token", await tokenOf(issuer)];
    },
  },
];

export const ISSUER_SET_UPS: SetUp[] = [
  {
    name: "a token of another issuer, which the relay takes and Realtime does not",
    ...{ expect: "token_other_issuer", hop: undefined },
    async make(stage) {
      const issuer = startIssuer(stage);
      const relay = await relayOf(stage, stage.stack.info.API_URL, [entryOf(issuer)]);
      return [relay, "--token", await tokenOf(issuer), ...PATIENT];
    },
  },
  {
    name: "one that Realtime takes and the relay does not",
    ...{ expect: "relay_issuer_unknown", paste: /^supabase secrets set RELAY_ISSUERS='\[\{/ },
    async make(stage) {
      const issuer = startIssuer(stage);
      const relay = await relayOf(stage, willing(stage), []);
      return [relay, "--token", await tokenOf(issuer, { role: "editor" })];
    },
    async mend(stage, [line], [, ...rest]) {
      const [, setting] = /RELAY_ISSUERS='(.*)'$/.exec(line)!;
      return [await relayOf(stage, willing(stage), JSON.parse(setting)), ...rest];
    },
  },
  {
    ...{ name: "one without audience, at a relay that knows others", more: true },
    ...{ expect: "relay_issuer_unknown", paste: /"audience":"any"/ },
    async make(stage) {
      const relay = await relayOf(stage, willing(stage), [entryOf("https://other.example.com")]);
      return [relay, "--token", await tokenOf(startIssuer(stage), { aud: undefined })];
    },
  },
  {
    ...{ name: "one that neither takes, at a project", more: true },
    ...{ expect: "token_other_issuer", also: ["relay_issuer_unknown"] },
    make: async (stage) => [
      stage.stack.info.API_URL,
      ...["--token", await tokenOf("https://clerk.example.com"), ...PATIENT],
    ],
  },
  {
    ...{ name: "one for another application of an issuer that the relay knows", more: true },
    ...{ expect: "relay_refuses", never: /RELAY_ISSUERS='/ },
    async make(stage) {
      const issuer = startIssuer(stage);
      const relay = await relayOf(stage, willing(stage), [entryOf(issuer)]);
      return [relay, "--token", await tokenOf(issuer, { aud: "another" })];
    },
  },
  {
    ...{ name: "one without a role, which issuers leave out unless they are told", more: true },
    expect: "token_refused",
    make: async (stage) => [
      stage.stack.info.RELAY_URL,
      ...["--token", await tokenOf("https://clerk.example.com", { role: undefined })],
    ],
  },
  {
    ...{ name: "one that has expired", more: true },
    expect: "token_expired",
    make: async (stage) => [
      ...[stage.stack.info.RELAY_URL, "--token"],
      await tokenOf("accounts.google.com", { exp: 1_700_000_000 }),
    ],
  },
];
