import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";
import { Feed } from "./feed.ts";

/** Somebody with a page open: supabase-js as anybody uses it, and what its channels gave. */
export interface Viewer {
  name: string;
  /** All clicks, as Postgres Changes. */
  rows: Feed;
  /** The clicks of each link, as broadcasts of its private channel. */
  broadcasts: Feed[];
  /** Resolves when all of them flow. */
  ready: Promise<void>;
  /** Resolves when each of them gave a click with an id above this. */
  beyond(id: number): Promise<unknown>;
  leave(): void;
}

/** Subscribes to the clicks of these links in both ways. */
export function watch(name: string, supabase: SupabaseClient, slugs: string[]): Viewer {
  const rows = new Feed(slugs);
  const table = { event: "INSERT", schema: "public", table: "url_clicks" } as const;
  const changes = supabase.channel("clicks").on("postgres_changes", table, (event) => {
    rows.take(event.new as never);
  });
  const subscribed = [subscribe(changes, rows)];
  const flowing = Promise.withResolvers<void>();
  changes.on("system", {}, ({ extension, status, message }) => {
    if (extension !== "postgres_changes") return;
    status === "ok" ? flowing.resolve() : flowing.reject(new Error(message));
  });
  const broadcasts = slugs.map((slug) => {
    const feed = new Feed([slug]);
    const channel = supabase.channel(`clicks:${slug}`, { config: { private: true } })
      .on("broadcast", { event: "click" }, ({ payload }) => feed.take(payload));
    subscribed.push(subscribe(channel, feed));
    return feed;
  });
  return {
    ...{ name, rows, broadcasts },
    beyond: (id) => Promise.all([rows, ...broadcasts].map((feed) => feed.beyond(id))),
    ready: Promise.all([flowing.promise, ...subscribed]).then(() => {}),
    leave: () => leave(supabase),
  };
}

export function leave(supabase: SupabaseClient): void {
  // removeChannel() would wait for the answer of a relay that may be gone.
  for (const channel of supabase.getChannels()) channel.teardown();
  supabase.realtime.disconnect();
}

/** Resolves when the channel is joined; notes what the application is told of it meanwhile. */
export function subscribe(
  channel: RealtimeChannel,
  feed: Pick<Feed, "gaps" | "statuses">,
): Promise<void> {
  channel.on("system", {}, ({ extension, status, from, to }) => {
    if (extension !== "relay" || status !== "gap") return;
    feed.gaps.push({ from: new Date(from).getTime(), to: new Date(to).getTime() });
  });
  const joined = Promise.withResolvers<void>();
  channel.subscribe((status) => {
    feed.statuses.push(status);
    if (status === "SUBSCRIBED") joined.resolve();
  });
  return joined.promise;
}
