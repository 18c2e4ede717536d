import type { Head } from "../network/frames.ts";

/** A client's broadcast, known by its number. */
export interface Push {
  n: number;
  /** The client's index. */
  client: number;
  head: Omit<Head, "event">;
  size: number;
  isBinary: boolean;
}
