import { createClient, type RealtimeChannel, type SupabaseClient } from "@supabase/supabase-js";
import type postgres from "postgres";
import { relayTransport } from "../../../client/mod.ts";
import type { StackInfo } from "../../../tools/stack/info.ts";
import { inTime } from "../in_time.ts";
import type { Vsn } from "../realtime_suite/suite.ts";
import { BATCHES } from "./stage.ts";

/** Pages of unchanged supabase-js in front of one relay. */
export interface Pages extends AsyncDisposable {
  /** On the database behind it, as superuser. */
  sql: postgres.Sql;
  info: StackInfo;
  relay: string;
  /** A page of nobody, or of the user whose token this is. */
  open(vsn?: Vsn, token?: string): SupabaseClient;
}

/** `inBatches`: every second page takes several frames in a message; else none does. */
export function pagesOf(
  relay: string,
  info: StackInfo,
  sql: postgres.Sql,
  inBatches = false,
): Pages {
  const clients: SupabaseClient[] = [];
  return {
    sql,
    info,
    relay,
    open(vsn = "2.0.0", token) {
      const host = inBatches && clients.length % 2 === 0 ? {} : { WebSocket: PlainSocket };
      // Without token() whoever pushes a token signs in with it.
      const own = token === undefined ? {} : { token: () => token };
      const transport = relayTransport({ relay, ...own, host }) as never;
      const client = createClient(info.API_URL, info.PUBLISHABLE_KEY, {
        ...(token && { accessToken: () => Promise.resolve(token) }),
        // realtime-js derives the address of broadcasts from the project's.
        global: { fetch: (input, init) => fetch(toRelay(String(input), relay), init) },
        realtime: { vsn, transport },
      });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) {
        for (const channel of client.getChannels()) channel.teardown();
        await client.realtime.disconnect();
      }
    },
  };
}

/** A socket of a client that knows no batches. */
class PlainSocket extends WebSocket {
  constructor(url: string | URL, protocols: string[] = []) {
    super(url, protocols.filter((name) => name !== BATCHES));
  }
}

const toRelay = (address: string, relay: string) =>
  address.replace(/^.*\/realtime\/v1\/api\//, `${relay}/api/`);

/** What a channel's callbacks were given, as text without ids and times, in its order. */
export class Diary {
  readonly items: string[] = [];
  readonly #waiting = new Set<() => void>();

  /** Listens to all that a channel can say, and subscribes it. */
  static of(channel: RealtimeChannel, changes: Record<string, unknown>[] = []): Diary {
    const diary = new Diary();
    const note = (what: string) => (said: unknown) => diary.#put(`${what} ${print(said)}`);
    channel.on("broadcast", { event: "*" }, note("broadcast"));
    channel.on("system", {}, note("system"));
    changes.forEach((binding, place) =>
      channel.on("postgres_changes", binding as never, note(`change ${place}`) as never)
    );
    channel.subscribe((status, error) => diary.#put(`status ${status} ${error?.message ?? ""}`));
    return diary;
  }

  /** Waits until so many entries match. */
  async until(pattern: RegExp, count = 1): Promise<void> {
    while (this.items.filter((item) => pattern.test(item)).length < count) {
      const next = new Promise<void>((resolve) => this.#waiting.add(resolve));
      await inTime(next, `${pattern}, after ${this.items.slice(-3).join("; ")}`);
    }
  }

  #put(item: string): void {
    this.items.push(item);
    this.#waiting.forEach((wake) => wake());
    this.#waiting.clear();
  }
}

/** Bytes as numbers; times and ids, which differ from run to run, as what they are. */
function print(said: unknown): string {
  return JSON.stringify(said, (key, value) => {
    if (key === "commit_timestamp") return "a time";
    if (key === "id" && /^[0-9a-f-]{36}$/.test(value)) return "an id";
    return value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value;
  });
}
