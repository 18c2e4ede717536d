/** What unchanged supabase-js must be able to do, at any origin: the bare server, or the relay. */
import type postgres from "postgres";
import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";
import { inTime } from "../in_time.ts";
import { broadcastScenarios } from "./broadcast.ts";
import { changesScenarios } from "./changes.ts";
import { databaseScenarios } from "./database.ts";
import { filterScenarios } from "./filters.ts";
import { presenceScenarios } from "./presence.ts";

/** Where a suite runs. */
export interface Origin extends AsyncDisposable {
  /** On its database, as superuser. */
  sql: postgres.Sql;
  /** A client of this user, whose channels are removed at the end. */
  client(sub: string, vsn: Vsn): Promise<SupabaseClient>;
}

export type Vsn = "1.0.0" | "2.0.0";

/** A sentence that must hold, and its proof. Topics and tables are its own, named by `vsn`. */
export type Scenarios = Record<string, (origin: Origin, vsn: Vsn) => Promise<void>>;

export const ALICE = "11111111-1111-4111-8111-111111111111";
export const BOB = "22222222-2222-4222-8222-222222222222";

/** Registers one test, whose steps are the scenarios over both versions. */
export function realtimeSuite(name: string, open: () => Promise<Origin>) {
  Deno.test(`supabase-js ${name}`, async (t) => {
    await using origin = await open();
    await prepare(origin.sql);
    for (const vsn of ["2.0.0", "1.0.0"] as const) {
      const scenarios = {
        ...broadcastScenarios,
        ...presenceScenarios,
        ...changesScenarios,
        ...filterScenarios,
        ...databaseScenarios,
      };
      for (const [sentence, prove] of Object.entries(scenarios)) {
        await t.step(`${sentence} (vsn ${vsn})`, () => prove(origin, vsn));
      }
    }
  });
}

/** Private topics: everybody reads `suite:read…` and reads and writes `suite:open…`. */
export async function prepare(sql: postgres.Sql) {
  await sql.unsafe(`
    create policy suite_read on realtime.messages for select to authenticated
      using ((select realtime.topic()) ~ '^suite:(open|read)');
    create policy suite_write on realtime.messages for insert to authenticated
      with check ((select realtime.topic()) ~ '^suite:open');
  `).simple();
}

/** Subscribes, and waits until the server has said so; where there are changes, twice. */
export async function subscribed(channel: RealtimeChannel): Promise<RealtimeChannel> {
  const joined = Promise.withResolvers<void>();
  const listening = Promise.withResolvers<void>();
  const { bindings } = channel;
  const wantsChanges = (bindings.postgres_changes ?? []).length > 0;
  channel.on("system", {}, ({ extension, status, message }) => {
    if (extension !== "postgres_changes") return;
    if (status === "ok") listening.resolve();
    else listening.reject(new Error(message));
  });
  channel.subscribe((status, error) => {
    if (status === "SUBSCRIBED") joined.resolve();
    else joined.reject(error ?? new Error(status));
  });
  await inTime(joined.promise, `${channel.topic} is joined`);
  if (wantsChanges) await inTime(listening.promise, `${channel.topic} gets changes`);
  return channel;
}

/** Why a channel could not be joined. */
export function refusal(channel: RealtimeChannel): Promise<string> {
  const refused = Promise.withResolvers<string>();
  channel.subscribe((status, error) => {
    if (status === "CHANNEL_ERROR") refused.resolve(error?.message ?? "");
  });
  return inTime(refused.promise, `${channel.topic} is refused`);
}

/** Collects what a callback gets, to be waited for. */
export class Inbox<T> {
  readonly items: T[] = [];
  #wake = () => {};

  readonly put = (item: T) => {
    this.items.push(item);
    this.#wake();
  };

  /** The first `count`, once there are so many. */
  async take(count: number, what: string): Promise<T[]> {
    while (this.items.length < count) {
      await inTime(
        new Promise<void>((resolve) => (this.#wake = resolve)),
        `${what}: ${this.items.length} of ${count} came`,
      );
    }
    return this.items.slice(0, count);
  }
}
