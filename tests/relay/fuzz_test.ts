import assert from "node:assert/strict";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { createRelay } from "../../supabase/functions/relay/relay.ts";
import type { Vsn } from "../../supabase/functions/relay/realtime/upstream.ts";
import { text } from "../support/attack.ts";
import { orFinding } from "../support/finding.ts";
import { FakeRuntime } from "./support/fuzz/fake_runtime.ts";
import { FrameOracle } from "./support/fuzz/frame_oracle.ts";
import { type Data, makeFrame } from "./support/fuzz/frames.ts";
import { mayDial } from "./support/fuzz/handshake_oracle.ts";
import { type Handshake, makeHandshake, show, UPGRADE } from "./support/fuzz/handshakes.ts";
import { Random } from "./support/fuzz/random.ts";
import { COUNTS, env, rules, SEED } from "./support/fuzz/settings.ts";
import { alice, frameTokens, handshakeTokens, verified } from "./support/fuzz/tokens.ts";
import { relayEnv } from "../support/served_relay.ts";
import { ALICE, PUBLISHABLE_KEY } from "../support/tokens.ts";

const PROJECT = "http://127.0.0.1:1";

/** A relay in this process, where an unhandled rejection or error fails the test by itself. */
function startRelay(more: Record<string, string> = {}) {
  const runtime = new FakeRuntime();
  const relay = createRelay(readConfig({ ...relayEnv(PROJECT), ...env, ...more }), runtime);
  return {
    runtime,
    /** The request as Deno hands it over: its URL is not tidied up. */
    ask({ method, host, target, headers }: Handshake): Promise<Response> {
      const url = `http://${host}${target}`;
      return relay({ method, url, headers: new Headers(headers), body: null } as Request);
    },
    /** Ends all sockets and forgets them. A bug in a handler shows as code `internal`. */
    async settle(what: string): Promise<void> {
      await Promise.all(runtime.dials.map(({ socket }) => socket.close(1000)));
      await Promise.all(runtime.kept);
      const log = JSON.stringify(runtime.lines);
      await orFinding(SEED, `before ${what}`, () => {
        assert.doesNotMatch(log, /"internal"|eyJ|sb_|test-secret/);
      });
      for (const list of [runtime.dials, runtime.kept, runtime.upgrades, runtime.lines]) {
        list.length = 0;
      }
    },
  };
}

/** What a dial may hold: the relay's own key, and of the client's query two words from a list. */
function assertOwnUrl({ origin, pathname, searchParams, hash }: URL): void {
  const { apikey, vsn, log_level = "info", ...rest } = Object.fromEntries(searchParams);
  assert.deepEqual([origin, pathname, hash], ["ws://127.0.0.1:1", "/realtime/v1/websocket", ""]);
  assert.deepEqual([apikey, rest], [PUBLISHABLE_KEY, {}]);
  assert.match(vsn, /^[12]\.0\.0$/);
  assert.match(log_level, /^[a-z]{4,7}$/);
}

const name = `fuzz: of ${COUNTS.handshakes} handshakes the good ones dial, and no other`;
Deno.test(`${name} (seed ${SEED})`, async () => {
  const random = new Random(SEED);
  const { runtime, ask, settle } = startRelay();
  let good = 0;
  for (let n = 1; n <= COUNTS.handshakes; n++) {
    const handshake = makeHandshake(random, "relay.test", handshakeTokens);
    const [dials, upgrades] = [runtime.dials.length, runtime.upgrades.length];
    await ask(handshake);
    const isGood = mayDial(handshake, rules);
    if (isGood) good++;
    await orFinding(SEED, `handshake ${n}: ${show(handshake)}`, () => {
      assert.equal(runtime.dials.length - dials, isGood ? 1 : 0);
      for (const { url } of runtime.dials.slice(dials)) assertOwnUrl(url);
      for (const { protocol } of runtime.upgrades.slice(upgrades)) {
        const offered = new Headers(handshake.headers).get("sec-websocket-protocol") ?? "";
        const names = offered.split(",").map((it) => it.trim());
        assert.ok(protocol === undefined || names.includes(protocol));
      }
    });
    if (n % 200 === 0) await settle(`handshake ${n}`);
  }
  await settle("the end");
  assert.ok(good > COUNTS.handshakes / 20, `only ${good} were good`);
});

/** How many frames one socket sends. */
const PER_SOCKET = 40;

const join = (vsn: Vsn) => text(vsn, '"realtime:room:a"', '"phx_join"', '{"config":{}}');

Deno.test(`fuzz: ${COUNTS.frames} frames reach Realtime as judged, or not (seed ${SEED})`, async () => {
  const random = new Random(SEED);
  const { runtime, ask, settle } = startRelay({ RELAY_ANONYMOUS: "allow" });
  let arrivals = 0;
  for (let n = 0; n < COUNTS.frames; n += PER_SOCKET) {
    const vsn = random.pick(["1.0.0", "2.0.0"] as const);
    const token = random.pick([alice, PUBLISHABLE_KEY]);
    const sent = [
      join(vsn),
      ...Array.from({ length: PER_SOCKET }, () => makeFrame(random, vsn, frameTokens)),
    ];
    const oracle = new FrameOracle(vsn, verified, token === alice ? ALICE : undefined);
    const target = `/relay?vsn=${vsn}&jwt=${token}`;
    await ask({ method: "GET", host: "relay.test", target, headers: UPGRADE });
    const arrived = await play(vsn, sent);
    await orFinding(SEED, `frames from ${n} on`, () => oracle.check(sent, arrived));
    arrivals += arrived.length;
    await settle(`frame ${n + PER_SOCKET}`);
  }
  assert.ok(arrivals > COUNTS.frames / 20, `only ${arrivals} arrived`);

  /** Sends as a client would, and gives what Realtime had when all of it was judged. */
  async function play(vsn: Vsn, sent: Data[]): Promise<Data[]> {
    const [{ socket: upstream }] = runtime.dials;
    const [{ socket: client }] = runtime.upgrades;
    const fence = text(vsn, '"phoenix"', '"heartbeat"', "{}", '"fence"');
    const judged = new Promise<void>((resolve) => {
      upstream.onSent = (message) => String(message).includes('"fence"') && resolve();
    });
    await client.opened;
    for (const data of sent) client.receive(typeof data === "string" ? data : data.buffer);
    client.receive(fence);
    await Promise.race([judged, client.closed]);
    const arrived = upstream.sent.map((it) => typeof it === "string" ? it : new Uint8Array(it));
    return arrived.filter((it) => !String(it).includes('"fence"'));
  }
});
