import { Histogram } from "./histogram.ts";

/** What waits for somebody else's answer: from a local one to the longest that is waited for. */
const ANSWER_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/** What the worker does by itself; its clock tells whole milliseconds. */
const WORK_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000];

/** What a worker times, of itself as a whole: nobody is told apart. */
export class Measures {
  /** From a client's request, or the frame that names its user, until it is let in. */
  readonly setUp = new Histogram(ANSWER_MS);
  /** Until a socket to Realtime is open; of clients and of the hub. */
  readonly dial = new Histogram(ANSWER_MS);
  /** From a client's join until it is answered, with yes or no. */
  readonly join = new Histogram(ANSWER_MS);
  /** Until all viewers of a channel who have room have been handed what came in a turn. */
  readonly fanOut = new Histogram(WORK_MS);
}
