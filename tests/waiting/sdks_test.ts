import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { Socket as PhoenixSocket } from "phoenix";
import { inTime } from "../support/in_time.ts";
import { nodeHost } from "../support/node_host.ts";
import { LONG } from "../support/long.ts";
import { hosts, testOnHosts } from "../support/relay_host.ts";
import { type ServedRelay, withRelay } from "../support/served_relay.ts";
import { ALICE, inSeconds, PUBLISHABLE_KEY, sign } from "../support/tokens.ts";
import { serveOneName } from "./support/one_name.ts";
import { playProject, type Project } from "./support/project.ts";

const everywhere = LONG ? [...hosts, nodeHost] : [hosts[0], nodeHost];

/** A relay before a played project, both by one name. */
function testSdk(
  name: string,
  test: (project: Project, served: ServedRelay, address: string) => Promise<void>,
): void {
  testOnHosts(name, async (host) => {
    const project = playProject();
    await withRelay(host, project, async (served) => {
      const upstream = new URL(served.upstream.url).host;
      await using front = serveOneName(served.relay.address, upstream);
      await inTime(test(project, served, front.address), name);
    });
  }, everywhere);
}

/** Resolves when the test is true; a test that waits in vain is ended by its deadline. */
async function until(test: () => boolean): Promise<void> {
  while (!test()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const broughtBy = (project: Project, event: string) =>
  project.frames.filter((frame) => frame[3] === event).map((frame) => frame[4].access_token);

/** Not imported by name: its types bring Node's, which are others than Deno's, to all that is checked. */
const OLD = "@supabase/supabase-js-2.49";
const old: { createClient: typeof createClient } = await import(OLD);

/**
 * `tells`: it brings the session by itself, at once. Older ones join with the key until their app calls
 * setAuth(), and look for a new session at a heartbeat.
 */
const sdks = {
  "supabase-js": { create: createClient, tells: true },
  "supabase-js 2.49": { create: old.createClient, tells: false },
};

for (const [sdk, { create, tells }] of Object.entries(sdks)) {
  testSdk(`${sdk} without any transport: sign-in to sign-out`, async (project, served, address) => {
    const client = create(`http://${address}`, PUBLISHABLE_KEY, {
      auth: { persistSession: false },
    });
    const credentials = { email: "alice@example.com", password: "a password" };
    const { error } = await client.auth.signInWithPassword(credentials);
    assert.equal(error, null);
    if (!tells) await client.realtime.setAuth();
    const heard = Promise.withResolvers<unknown>();
    const states: string[] = [];
    const subscribed = Promise.withResolvers<void>();
    const channel = client.channel("room", { config: { broadcast: { self: true } } })
      .on("broadcast", { event: "hello" }, ({ payload }) => heard.resolve(payload))
      .subscribe((state) => {
        states.push(state);
        if (state === "SUBSCRIBED") subscribed.resolve();
      });
    await subscribed.promise;
    assert.equal(
      await channel.send({ type: "broadcast", event: "hello", payload: { n: 1 } }),
      "ok",
    );
    assert.deepEqual(await heard.promise, { n: 1 });
    assert.equal(served.relay.output.filter((line) => line.includes(ALICE)).length, 1);

    assert.equal((await client.auth.refreshSession()).error, null);
    if (!tells) await client.realtime.sendHeartbeat();
    await until(() => broughtBy(project, "access_token").includes(project.tokens[1]));
    assert.deepEqual([served.upstream.dials(), states], [1, ["SUBSCRIBED"]], "on the same socket");

    assert.equal((await client.auth.signOut()).error, null);
    if (!tells) await client.removeAllChannels();
    await until(() => project.sockets === 0);
    const isSignedOut = (line: unknown) => JSON.stringify(line).includes("signed_out");
    // The line comes behind the end of both sockets.
    if (tells) await served.relay.line(isSignedOut);
    else assert.ok(!served.relay.output.some(isSignedOut));
    await client.removeAllChannels();
    await client.realtime.disconnect();
  });
}

/** phoenix.js speaks 2.0.0 by itself; for 1.0.0 it is told how. */
const codecs = {
  "2.0.0": {},
  "1.0.0": {
    encode: (frame: unknown, done: (text: string) => void) => done(JSON.stringify(frame)),
    decode: (text: string, done: (frame: unknown) => void) => done(JSON.parse(text)),
  },
};

for (const [vsn, codec] of Object.entries(codecs)) {
  testSdk(`phoenix.js, vsn ${vsn}: join to sign-out`, async (project, served, address) => {
    const [first, second] = [await sign(), await sign({ exp: inSeconds(3_700) })];
    const socket = new PhoenixSocket(`ws://${address}/realtime/v1`, {
      ...codec,
      ...{ vsn, transport: WebSocket, params: { apikey: PUBLISHABLE_KEY } },
    });
    try {
      socket.connect();
      const channel = socket.channel("realtime:room", { config: {}, access_token: first });
      const heard = Promise.withResolvers<unknown>();
      channel.on("broadcast", heard.resolve);
      await new Promise((resolve, reject) =>
        channel.join().receive("ok", resolve).receive("error", reject)
      );
      channel.push("broadcast", { type: "broadcast", event: "e", payload: { n: 1 } });
      assert.deepEqual(await heard.promise, { type: "broadcast", event: "e", payload: { n: 1 } });
      channel.push("access_token", { access_token: second });
      await until(() => broughtBy(project, "access_token").includes(second));
      assert.equal(served.upstream.dials(), 1);
      const ended = new Promise<number>((resolve) =>
        socket.onClose(({ code }) => {
          // By itself it comes back within 10 ms, with the token that it has.
          socket.disconnect();
          resolve(code);
        })
      );
      channel.push("access_token", { access_token: PUBLISHABLE_KEY });
      assert.equal(await ended, 4401);
      await until(() => project.sockets === 0);
    } finally {
      await new Promise<void>((resolve) => socket.disconnect(resolve));
    }
  });
}
