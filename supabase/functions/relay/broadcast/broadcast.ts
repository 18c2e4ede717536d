import type { Config } from "../config/config.ts";
import type { Identity } from "../door/identity.ts";
import { RelayError } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import { Bodies, type Body, type Memory } from "./bodies.ts";
import { judgeEvent } from "./judge_event.ts";
import { judgeList } from "./judge_list.ts";
import { readBody } from "./read_body.ts";
import { send } from "./send.ts";

/** One event of one topic, from the path; with neither, the body names them. */
export interface BroadcastTarget {
  topic?: string;
  event?: string;
}

/** Who broadcasts. */
export interface Sender {
  identity: Identity;
  /** By which its bodies are counted together: of a user, or of the viewers of an address. */
  name: string;
  /** Takes so many messages, or bytes of one, from what the sender has left. */
  mayPass(messages: number, bytes?: number): boolean;
  /** Throws where its session has ended since: a body may take seconds. */
  recheck(): void;
}

/** Answers an HTTP broadcast, or rejects with a RelayError. */
export type Broadcast = (
  request: Request,
  target: BroadcastTarget,
  sender: Sender,
) => Promise<Response>;

/**
 * Sends HTTP broadcasts on to Realtime after each of their messages was judged, and answers what
 * Realtime answers. Nothing is done for a body before its sender has a message left and its bytes
 * have room, and of it nothing that its sender could not pay for. Throws `too_many_frames`,
 * `too_many_bodies`, `too_big`, `body_timeout`, `bad_request`, what authorizeBroadcast() throws,
 * `signed_out`, `upstream_refused` and `upstream_timeout`.
 */
export function createBroadcast(
  config: Config,
  runtime: Pick<Runtime, "fetch">,
  memory: Memory,
): Broadcast {
  const bodies = new Bodies(memory);
  return async (request, { topic, event }, { identity, name, mayPass, recheck }) => {
    const count = (messages: number, bytes?: number) => {
      if (mayPass(messages, bytes)) return;
      throw new RelayError("too_many_frames", "Too much was broadcast by HTTP.");
    };
    count(1);
    const announced = lengthOf(request.headers);
    const body = bodies.enter(name, announced);
    try {
      const paid = paidFor(body, announced, count);
      const bytes = await readBody(request, paid, config.dialTimeoutMs);
      const judged = topic === undefined || event === undefined
        ? judgeList(bytes, identity, config)
        : judgeEvent({ topic, event }, request, bytes, identity, config);
      if (judged.messages > 1) count(judged.messages - 1);
      recheck();
      return await send(judged, identity, config, runtime);
    } finally {
      body.leave();
    }
  };
}

/**
 * What is announced is paid for at once: one that cannot be takes nothing, so who tries again has what
 * has come in since. Where nothing is, each byte is as it comes, and of who has nothing left no more is
 * read.
 */
function paidFor(
  body: Body,
  announced: number | undefined,
  count: (messages: number, bytes: number) => void,
): Body {
  let paid = announced ?? 0;
  count(0, paid);
  return {
    ...body,
    hold(bytes) {
      body.hold(bytes);
      if (bytes <= paid) return;
      count(0, bytes - paid);
      paid = bytes;
    },
  };
}

function lengthOf(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  return length === null ? undefined : Number(length);
}
