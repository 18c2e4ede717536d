import type { SupabaseClient } from "@supabase/supabase-js";
import type { Watcher } from "../exactly_once/run.ts";
import { leave, subscribe } from "../exactly_once/viewer.ts";
import { Stream } from "./stream.ts";
import { ROOMS, topicOf } from "./table.ts";

/** Somebody who follows all rooms by supabase-js, as anybody uses it. */
export interface RoomsViewer extends Watcher {
  streams: Stream[];
  /** Resolves when all of them flow. */
  ready: Promise<unknown>;
  leave(): void;
}

export function watchRooms(name: string, supabase: SupabaseClient): RoomsViewer {
  const streams = ROOMS.map((room) => new Stream(room));
  const ready = Promise.all(streams.map((stream) => {
    const channel = supabase.channel(topicOf(stream.room), { config: { private: true } })
      .on("broadcast", { event: "*" }, (message) => stream.take(message as never));
    return subscribe(channel, stream);
  }));
  return {
    ...{ name, streams, ready },
    beyond: (seq) => Promise.all(streams.map((stream) => stream.beyond(seq))),
    leave: () => leave(supabase),
  };
}
