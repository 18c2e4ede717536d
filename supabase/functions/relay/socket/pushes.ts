import { authorizePush } from "../door/policy.ts";
import type { Config } from "../config/config.ts";
import { type RelayError, toRelayError } from "../errors.ts";
import { isJson, readBinaryPush } from "../realtime/binary.ts";
import { encodeReply, type Frame, frameOfBinary } from "../realtime/phoenix.ts";
import type { Message } from "../runtime.ts";
import type { Vsn } from "../realtime/upstream.ts";
import type { Account } from "./account.ts";
import type { Channels } from "./channels.ts";
import type { Holder } from "./holder.ts";

/** What goes upstream for a client's message, and what was seen in it; undefined is nothing. */
export type Judgement = { message: Message; frame: Frame } | undefined;

/** What a push is judged by: no more than its gate, of which a worker holds thousands. */
export interface Desk {
  readonly options: { vsn: Vsn; config: Config };
  readonly holder: Holder;
  readonly channels: Channels;
  readonly account: Account;
  /** Sends a text frame to the client. */
  readonly keeper: { answer(text: string): void };
}

/** Judges a broadcast or presence that was read; `text` is what goes on for it. */
export function judgePush(desk: Desk, frame: Frame, text: string): Judgement {
  const error = refusalOf(desk, frame.topic);
  return error ? refuse(desk, frame, error) : { message: text, frame };
}

/** Of binary frames only a broadcast on a joined topic; one that claims to be JSON only if it is. */
export function judgeBinary(desk: Desk, data: ArrayBuffer): Judgement {
  const { options: { vsn }, channels, account } = desk;
  const push = vsn === "2.0.0" ? readBinaryPush(data) : undefined;
  if (!push || !channels.has(push.topic)) return;
  const { topic, payload } = push;
  const error = refusalOf(desk, topic);
  if (error) return refuse(desk, frameOfBinary(data, topic), error);
  if (push.isJson) {
    account.look(payload.length);
    if (!isJson(payload)) return;
  }
  return { message: data, frame: { topic, event: "broadcast" } };
}

/** Why a push on this topic is not allowed; undefined where it is. */
function refusalOf({ holder, options }: Desk, topic: string): RelayError | undefined {
  try {
    authorizePush(holder.identity, topic, options.config);
  } catch (error) {
    return toRelayError(error);
  }
}

function refuse({ options, keeper }: Desk, frame: Frame, { reason }: RelayError): undefined {
  if (frame.ref != null) keeper.answer(encodeReply(options.vsn, frame, "error", { reason }));
}
