import assert from "node:assert/strict";
import { RelayError } from "../../supabase/functions/relay/errors.ts";
import type { Vsn } from "../../supabase/functions/relay/realtime/upstream.ts";
import { attack, record, text } from "../support/attack.ts";
import { connect } from "../support/client.ts";
import {
  arrayAttacks,
  type FrameAttack,
  frameAttacks,
  good,
  guest,
  objectAttacks,
  POLICY,
} from "./support/frame_attacks.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { PUBLISHABLE_KEY, sign } from "../support/tokens.ts";

/** A payload as it reached Realtime, without the token, which must be one that the relay knows. */
function payloadOf(vsn: Vsn, frame: string | Uint8Array, known: string[]): unknown {
  assert.equal(typeof frame, "string", "a binary frame arrived");
  const value = JSON.parse(frame as string);
  const { access_token, ...payload } = vsn === "2.0.0" ? value[4] : value.payload;
  if (access_token !== undefined) {
    assert.ok(known.includes(access_token), "a strange token arrived");
  }
  return payload;
}

const credentials: Record<string, string> = { anon: PUBLISHABLE_KEY, authenticated: good };
for (const role of ["guest", "constructor"]) credentials[role] = await sign({ role });

for (const vsn of ["1.0.0", "2.0.0"] as const) {
  testOnNewest(`no frame of vsn ${vsn} gets past the gate`, async (host, context) => {
    const recorder = record();
    const env = { RELAY_POLICY: POLICY, RELAY_ANONYMOUS: "allow", RELAY_SHARE: "off" };
    await withRelay(host, { ...recorder, env }, async ({ urlWith }) => {
      const own = vsn === "2.0.0" ? arrayAttacks : objectAttacks;
      for (const [name, row] of Object.entries({ ...frameAttacks(vsn), ...own })) {
        await context.step(name, () => assertHeld(row, urlWith));
      }
    });
    // The hub joins and leaves by itself, so what may arrive is another matter there.
    const sharing = { ...env, RELAY_SHARE: "anonymous" };
    await withRelay(host, { ...recorder, env: sharing }, async ({ urlWith }) => {
      const viewers = Object.entries(frameAttacks(vsn)).filter(([, { role }]) => role === "anon");
      assert.ok(viewers.length > 1);
      for (const [name, row] of viewers) {
        await context.step(`${name}, by a viewer who shares`, async () => {
          const token = await assertEnds(row, urlWith);
          for (const frame of recorder.frames) payloadOf(vsn, frame, [token, good, guest]);
        });
      }
    });

    async function assertHeld(row: FrameAttack, urlWith: (token: string, vsn: Vsn) => string) {
      const token = await assertEnds(row, urlWith);
      await recorder.idle();
      const arrived = recorder.frames.map((frame) => payloadOf(vsn, frame, [token, good, guest]));
      assert.deepEqual(arrived, row.arrives ?? []);
      const keys = recorder.frames.join("").match(/"access_token":/g) ?? [];
      assert.ok(keys.length <= recorder.frames.length, "a frame with two tokens arrived");
    }

    /** Returns the credential with which the attack was made. */
    async function assertEnds(row: FrameAttack, urlWith: (token: string, vsn: Vsn) => string) {
      const token = credentials[row.role ?? "authenticated"];
      const client = connect(urlWith(token, vsn));
      await client.opened;
      const joining = row.role === "guest" ? '{"config":{"private":true}}' : '{"config":{}}';
      const topic = row.role === "constructor" ? '"realtime:lobby"' : '"realtime:room:a"';
      assert.deepEqual(await attack(client, vsn, [text(vsn, topic, '"phx_join"', joining)]), {
        refused: [],
      });
      recorder.frames.length = 0;
      const { refused, closed } = await attack(client, vsn, row.send);
      client.socket.close();
      await client.closed;
      assert.deepEqual(refused.map((reason) => reason.split(":")[0]), row.refused ?? []);
      const end = row.closes && new RelayError(row.closes, "");
      assert.deepEqual(closed, end && { code: end.closeCode, reason: end.reason });
      return token;
    }
  });
}
