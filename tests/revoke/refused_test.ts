/** What Realtime says to the worker that wants to hear which sessions ended, where it does not let it. */
import assert from "node:assert/strict";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { sha256 } from "../../supabase/functions/relay/door/verify/sha256.ts";
import { Awake } from "../../supabase/functions/relay/peer/awake.ts";
import { Control } from "../../supabase/functions/relay/revoke/control.ts";
import { Unable } from "../../supabase/functions/relay/revoke/message.ts";
import type { Runtime } from "../../supabase/functions/relay/runtime.ts";
import { connect } from "../support/client.ts";
import { inTime } from "../support/in_time.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { relayEnv, withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";
import { startUpstream } from "../support/upstream.ts";
import { revocation, untilSaid } from "./support/people.ts";

const TOO_MANY = "ClientJoinRateLimitReached: Too many joins per second";

/** Answers each join with the next of these reasons, and once there is none lets it in. */
function refuser(...reasons: string[]) {
  return (socket: WebSocket): void => {
    socket.onmessage = ({ data }) => {
      const { ref, topic } = JSON.parse(data);
      const reason = reasons.shift();
      const payload = reason === undefined
        ? { status: "ok", response: {} }
        : { status: "error", response: { reason } };
      socket.send(JSON.stringify({ ref, topic, event: "phx_reply", payload }));
    };
  };
}

/** What a join of the worker's rejects with. */
async function refusedWith(reason: string): Promise<Error> {
  const upstream = startUpstream({ onSocket: refuser(reason) });
  const runtime = { dial: (url: URL) => new WebSocket(url), now: Date.now } as unknown as Runtime;
  const config = readConfig(relayEnv(upstream.url));
  const awake = new Awake(runtime.now, false);
  try {
    return await new Control({ config, runtime, awake, onEnded() {} }).join().then(
      () => assert.fail("it was let in"),
      (error) => error,
    );
  } finally {
    await upstream.stop();
  }
}

Deno.test("a policy that is missing stays so for minutes, and nothing else that Realtime says", async () => {
  const policy = "Unauthorized: You do not have permissions to read from this Channel topic: x";
  assert.ok(await refusedWith(policy) instanceof Unable);
  const passing = [
    TOO_MANY,
    "IncreaseConnectionPool: Please increase your connection pool size",
    "MissingPartition: Realtime was unable to find the expected messages partition",
    "InvalidJWTToken: Token has expired 23 seconds ago",
  ];
  for (const reason of passing) {
    const error = await refusedWith(reason);
    assert.ok(!(error instanceof Unable), reason);
    assert.equal(error.message, reason);
  }
});

testOnNewest(
  "a worker that Realtime had no room for follows the ends of sessions soon",
  async (host) => {
    const letIn = refuser(TOO_MANY);
    const script = {
      env: { RELAY_REVOKE: "auto" },
      onSocket(socket: WebSocket, { url }: Request) {
        if (url.includes("vsn=1.0.0")) letIn(socket);
      },
      onRequest: () =>
        Response.json([{ id: null, payload: null, inserted_at: new Date().toISOString() }]),
    };
    await withRelay(host, script, async ({ relay, urlWith }) => {
      const client = connect(urlWith(await sign({ session_id: crypto.randomUUID() }), "2.0.0"));
      await client.opened;
      await inTime(untilSaid(relay, /^on$/), "it follows");
      client.socket.close();
      await client.closed;
    });
  },
);

testOnNewest("who cannot read back what was said hears at least what is said", async (host) => {
  const session = crypto.randomUUID();
  const letIn = refuser();
  const controls: WebSocket[] = [];
  let asked = 0;
  const again = Promise.withResolvers<void>();
  const script = {
    env: { RELAY_REVOKE: "auto" },
    onSocket(socket: WebSocket, { url }: Request) {
      if (!url.includes("vsn=1.0.0")) return;
      controls.push(socket);
      letIn(socket);
    },
    onRequest() {
      // Before the channel is joined, behind that, and again.
      if (++asked === 3) again.resolve();
      return new Response(null, { status: 503 });
    },
  };
  await withRelay(host, script, async ({ relay, urlWith }) => {
    const client = connect(urlWith(await sign({ session_id: session }), "2.0.0"));
    await client.opened;
    await inTime(again.promise, "it tries to read again");
    assert.match(await revocation(relay), /^off: the project's REST answers 503/);
    const payload = {
      event: "ended",
      payload: { sessions: [await sha256(session)] },
      meta: { id: "1" },
    };
    const topic = "realtime:relay:sessions";
    controls[0].send(JSON.stringify({ ref: null, topic, event: "broadcast", payload }));
    assert.match((await inTime(client.closed, "the socket ends")).reason, /^signed_out/);
    assert.equal(controls.length, 1);
  });
});
