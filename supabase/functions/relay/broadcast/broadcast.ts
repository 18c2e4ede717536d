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
 * have room, and of it nothing that its sender could not pay for. Throws `too_many_frames`, `too_many_bodies`, `too_big`, `body_timeout`, `bad_request`,
 * what authorizeBroadcast() throws, `upstream_refused` and `upstream_timeout`.
 */
export function createBroadcast(
  config: Config,
  runtime: Pick<Runtime, "fetch">,
  memory: Memory,
): Broadcast {
  const bodies = new Bodies(memory);
  return async (request, { topic, event }, { identity, name, mayPass }) => {
    const count = (messages: number, bytes?: number) => {
      if (mayPass(messages, bytes)) return;
      throw new RelayError("too_many_frames", "Too much was broadcast by HTTP.");
    };
    count(1);
    const body = bodies.enter(name, lengthOf(request.headers));
    try {
      const bytes = await readBody(request, paidFor(body, count), config.dialTimeoutMs);
      const judged = topic === undefined || event === undefined
        ? judgeList(bytes, identity, config)
        : judgeEvent({ topic, event }, request, bytes, identity, config);
      if (judged.messages > 1) count(judged.messages - 1);
      return await send(judged, identity, config, runtime);
    } finally {
      body.leave();
    }
  };
}

/** Each byte is paid for as it comes: of who has nothing left no more is read. */
function paidFor(body: Body, count: (messages: number, bytes: number) => void): Body {
  let paid = 0;
  return {
    ...body,
    hold(bytes) {
      body.hold(bytes);
      count(0, bytes - paid);
      paid = bytes;
    },
  };
}

function lengthOf(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  return length === null ? undefined : Number(length);
}
