/** What a replay must know besides the recording, since it shows only what was said on the wire. */
import type { Limits } from "../../../../tools/stack/realtime/mod.ts";
import type { Request } from "./http.ts";
import type { Replay } from "./replay.ts";
import type { Frame } from "./steps.ts";
import type { TokenCue } from "./tokens.ts";

/** Something that happened without being recorded. */
export type Act = (replay: Replay) => Promise<void> | void;

/** How a socket is opened. Texts may hold the recordings' placeholders for tokens. */
export interface Opening {
  /** Of the query. Default: that of the first frame that the socket sends; null: none. */
  vsn?: string | null;
  /** Of the query. Default `<ANON>`; null: none. */
  apikey?: string | null;
  host?: string;
  headers?: Record<string, string>;
}

/**
 * By what a line of the recording has to be found: its number, the heading it is under, or the
 * socket it is about; the first that is there counts.
 */
export type ByPlace<T> = Record<number | string, T>;

export interface Cues {
  /** What is set otherwise than the recording's server had it, to take less time. */
  changes?: Partial<Limits>;
  sockets?: ByPlace<Opening>;
  /** What `<jwt>` stands for. */
  tokens?: ByPlace<TokenCue>;
  /** What stands for parts of a recorded frame that are of its day, and for SQL that is told only. */
  rewrite?: Record<number, (recorded: string) => string>;
  /** The requests that were answered; only the answers were recorded. */
  requests?: ByPlace<Request>;
  /** What happens before the line of that number. */
  before?: Record<number, Act[]>;
  /** What happens at every heading, as tables that are emptied. */
  atHeadings?: Act[];
  /** Sockets that keep the server too busy for it to answer a heartbeat in time. */
  busy?: string[];
  /** Sockets that notes call by another name. */
  alias?: Record<string, string>;
}

/** The recorded times are of a day long gone: what was sent in the last minute is meant. */
export const sinceNow = (frame: Frame) =>
  frame.replace(/"since":\d+/, () => `"since":${Date.now() - 60_000}`);

/** SQL of somebody who was not recorded. */
export const sql = (text: string): Act => async (replay) => {
  const { error } = await replay.sql(text);
  if (error) throw new Error(`a cue's SQL fails: ${error.full}`);
};
export const send = (socket: string, frame: Frame): Act => (replay) => replay.send(socket, frame);
export const open = (socket: string): Act => async (replay) => void (await replay.open(socket));
export const close = (...sockets: string[]): Act => (replay) => replay.leave(sockets);
export const look = (): Act => (replay) => replay.look();
export const expect = (socket: string, frames: Frame[]): Act => (replay) =>
  frames.forEach((frame) => replay.expect(socket, frame));
export const pause = (ms: number): Act => () => new Promise((resolve) => setTimeout(resolve, ms));

/** The cues of a conversation by its number; those that need none have no file. */
export async function loadCues(number: string, long: boolean): Promise<Cues> {
  try {
    const { default: cues } = await import(`./cues/${number}.ts`);
    return cues(long);
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_MODULE_NOT_FOUND") return {};
    throw error;
  }
}
