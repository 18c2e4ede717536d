import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { relayTransport } from "../../client/mod.ts";
import { withDirectory } from "../support/directory.ts";
import { inTime } from "../support/in_time.ts";
import { LONG } from "../support/long.ts";
import { makeCertificate, trust } from "../support/proxies/certificate.ts";
import { type Front, MISSING, PROXIES, withShipped } from "../support/proxies/shipped.ts";
import { findProgram } from "../support/proxies/start.ts";
import { type TestStack, withStack } from "../support/stack.ts";

const ROWS = LONG ? 1000 : 50;
/** Generous: it fails a test that would hang, and decides nothing else. */
const LAST_CLICK_MS = 120_000;
const openssl = findProgram("openssl");

Deno.test({
  name: `${ROWS} live clicks come through each proxy, from Realtime and through the relay${
    openssl ? MISSING : " (skipped: there is no openssl)"
  }`,
  ignore: !openssl || PROXIES.length === 0,
  fn: () =>
    withDirectory(async (directory) => {
      const certificate = await makeCertificate(directory);
      trust(certificate.pem);
      await withStack(async (stack) => {
        const gateway = new URL(stack.info.API_URL).host;
        const relay = new URL(stack.relay.url).host;
        const ends = { gateway, relay, certificate };
        await withShipped(ends, (fronts) => watch(stack, fronts));
        const opened = stack.log.filter(({ event }) => event === "open");
        assert.equal(opened.length, PROXIES.length, "half of the sockets went through the relay");
      }, { relayEnv: { RELAY_TRUSTED_PROXIES: "1" } });
    }),
});

/** Two viewers behind each proxy, who must all see every click, once and in order. */
async function watch(stack: TestStack, fronts: Front[]): Promise<void> {
  const viewers = fronts.flatMap((front) => [
    new Viewer(`${front.name}, Realtime`, clientOf(stack, front)),
    new Viewer(`${front.name}, relay`, clientOf(stack, front, throughRelay(front))),
  ]);
  try {
    await inTime(Promise.all(viewers.map((viewer) => viewer.ready)), "all are subscribed");
    const hosts = await insertAll(stack);
    for (const viewer of viewers) {
      await inTime(viewer.saw(hosts.at(-1)!), `the last click for ${viewer.name}`, LAST_CLICK_MS);
      assert.deepEqual(viewer.hosts, hosts, viewer.name);
    }
  } finally {
    await Promise.all(viewers.map((viewer) => viewer.leave()));
  }
}

const clientOf = ({ info }: TestStack, front: Front, realtime = {}) =>
  createClient(`https://${front.host}`, info.PUBLISHABLE_KEY, {
    realtime,
    auth: { persistSession: false, autoRefreshToken: false },
  });

const throughRelay = ({ host }: Front) => ({
  transport: relayTransport({ relay: `https://${host}/functions/v1/relay` }),
});

/** Opens a link ROWS times, one after the other, each from a host of its own. */
async function insertAll({ postgres: { adminUrl } }: TestStack): Promise<string[]> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => {} });
  const hosts = Array.from({ length: ROWS }, (_, index) => `host${index}.example.com`);
  for (const host of hosts) await sql`select public.open_short_link('docs', ${host}, null)`;
  await sql.end();
  return hosts;
}

/** A page that counts clicks, with supabase-js as anybody uses it. */
class Viewer {
  readonly hosts: string[] = [];
  /** Resolves when Postgres Changes flow. */
  readonly ready: Promise<void>;
  readonly #waiting = new Set<() => void>();

  constructor(readonly name: string, readonly supabase: SupabaseClient) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    const binding = { event: "INSERT", schema: "public", table: "url_clicks" } as const;
    supabase.channel("clicks")
      .on("postgres_changes", binding, (event) => {
        this.hosts.push(event.new.referrer_host);
        this.#waiting.forEach((wake) => wake());
      })
      .on("system", {}, ({ extension, status, message }) => {
        if (extension !== "postgres_changes") return;
        status === "ok" ? resolve() : reject(new Error(`${name}: ${message}`));
      })
      .subscribe((_status, error) => error && reject(error));
  }

  async saw(host: string): Promise<void> {
    while (!this.hosts.includes(host)) {
      await new Promise<void>((wake) => this.#waiting.add(wake));
    }
  }

  async leave(): Promise<void> {
    await this.supabase.removeAllChannels();
    await this.supabase.realtime.disconnect();
  }
}
