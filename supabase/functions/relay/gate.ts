import { type Identity, subjectOf } from "./authenticate.ts";
import { authorizeJoin, authorizeKey, authorizePush } from "./authorize.ts";
import type { Config } from "./config.ts";
import type { Credential } from "./credential.ts";
import { RelayError, toRelayError } from "./errors.ts";
import { isOneOf } from "./keys.ts";
import { createBucket } from "./limits.ts";
import {
  encodeFrame,
  encodeReply,
  encodeServerFrame,
  type Frame,
  frameOfBinary,
  parseFrame,
  topicOfBinary,
} from "./phoenix.ts";
import type { Message } from "./runtime.ts";
import type { Vsn } from "./upstream.ts";

/** What goes upstream for a client's message: undefined is nothing. */
export type Judgement = Message | undefined;

export interface GateOptions {
  /** Whom the handshake named. */
  identity: Identity;
  vsn: Vsn;
  config: Config;
  authenticate(credential: Credential): Promise<Identity>;
  /** Sends a text frame to the client. */
  answer(text: string): void;
  /** Told whenever a newer token was verified. */
  onIdentity(identity: Identity): void;
  /** Told when a join went upstream. */
  onJoin(): void;
  now(): number;
}

/**
 * Judges what a client sends: each text frame is parsed once, and what was judged is what is sent.
 * Joins, tokens and every vsn 1.0.0 frame are built anew from the parsed value, since Realtime takes
 * the first of two equal JSON keys and JSON.parse the last. Other vsn 2.0.0 frames, whose envelope
 * is an array, go as they came, which keeps large numbers in their payloads whole. Of binary frames
 * only a broadcast on a joined topic passes. What is malformed is dropped in silence, as Realtime
 * does.
 *
 * The returned function throws a RelayError, or rejects with one, where the socket must end.
 */
export function createGate(
  options: GateOptions,
): (data: Message) => Judgement | Promise<Judgement> {
  const { vsn, config, authenticate, answer, onIdentity, onJoin, now } = options;
  const mayPass = createBucket(config.framesPerSecond, config.frameBurst, now);
  let identity = options.identity;
  /** A public key signs out only a user whom a frame named; the handshake's user stays. */
  let namedInBand = false;
  const topics = new Set<string>();

  /** Takes over a token that a frame carries. Async only where there is a signature to check. */
  function adopt(token: unknown): void | Promise<void> {
    if (typeof token !== "string") return;
    if (identity.kind === "user" && token === identity.token) return;
    authorizeKey(token, config);
    if (token.startsWith("sb_") || isOneOf(token, config.publicKeys)) {
      if (namedInBand) {
        throw new RelayError("signed_out", "The user signed out.");
      }
      return;
    }
    return authenticate({ kind: "token", token }).then(become);
  }

  function become(next: Identity): void {
    if (next.kind !== "user") return;
    if (identity.kind === "user") {
      if (next.id !== identity.id) {
        throw new RelayError("token_subject", "The token names another user.");
      }
      if (next.expiresAt <= identity.expiresAt) return;
    } else namedInBand = true;
    identity = next;
    onIdentity(identity);
  }

  function isOwn(token: unknown): boolean {
    return identity.kind === "user" && subjectOf(String(token)) === identity.id;
  }

  /** Of a join's payload only `config` passes, with the one token that was verified. */
  function join(frame: Frame): Judgement {
    const { config: joinConfig } = asObject(frame.payload);
    authorizeJoin(identity, frame.topic, joinConfig, topics, config);
    topics.add(frame.topic);
    onJoin();
    const access_token = identity.kind === "user" ? identity.token : undefined;
    return rebuild({ ...frame, payload: { config: joinConfig, access_token } });
  }

  function judgeJoin(frame: Frame): Judgement | Promise<Judgement> {
    const refuse = (thrown: unknown): Judgement => {
      const error = toRelayError(thrown);
      if (endsSocket(error)) throw error;
      // realtime-js can rejoin with a stale token after sleep: the newest verified one goes in.
      const { access_token } = asObject(frame.payload);
      if (error.code === "token_expired" && isOwn(access_token)) return join(frame);
      answer(encodeReply(vsn, frame, "error", { reason: error.reason }));
    };
    try {
      const { access_token, user_token } = asObject(frame.payload);
      // Realtime takes it for a token too; here it goes nowhere.
      if (typeof user_token === "string") authorizeKey(user_token, config);
      const adopted = adopt(access_token);
      return adopted ? adopted.then(() => join(frame)).catch(refuse) : join(frame);
    } catch (error) {
      return refuse(error);
    }
  }

  function judgeToken(frame: Frame): Judgement | Promise<Judgement> {
    const { access_token } = asObject(frame.payload);
    const forward = (): Judgement => {
      if (identity.kind !== "user" || !isToken(access_token)) return;
      return encodeFrame(vsn, { ...frame, payload: { access_token: identity.token } });
    };
    const adopted = adopt(access_token);
    return adopted ? adopted.then(forward, (error) => evict(frame, error)) : forward();
  }

  /** A bad token ends its channel, as in Realtime, whose own phx_close then reaches the client. */
  function evict(frame: Frame, thrown: unknown): Judgement {
    const error = toRelayError(thrown);
    if (endsSocket(error) || error.code === "token_subject") throw error;
    const channel = frame.topic.replace(/^realtime:/, "");
    const payload = { message: error.reason, status: "error", extension: "system", channel };
    answer(encodeServerFrame(vsn, { ...frame, ref: null, event: "system", payload }));
    topics.delete(frame.topic);
    return encodeFrame(vsn, { ...frame, event: "phx_leave", payload: {} });
  }

  /** In vsn 2.0.0 the envelope is an array, which every parser reads alike. */
  function pass(frame: Frame, text: string): Judgement {
    return vsn === "2.0.0" ? text : rebuild(frame);
  }

  function rebuild(frame: Frame): Judgement {
    try {
      return encodeFrame(vsn, frame);
    } catch (error) {
      if (error instanceof RangeError) return; // Nested deeper than this engine can write.
      throw error;
    }
  }

  function judgeText(text: string): Judgement | Promise<Judgement> {
    const frame = parseFrame(vsn, text);
    if (!frame) return;
    switch (frame.event) {
      case "phx_join":
        return judgeJoin(frame);
      case "access_token":
        return judgeToken(frame);
      case "phx_leave":
        topics.delete(frame.topic);
        return pass(frame, text);
      case "broadcast":
      case "presence":
        return judgePush(frame, text);
      case "heartbeat":
        return pass(frame, text);
    }
  }

  /** Why a push on this topic is not allowed; undefined where it is. */
  function refusalOf(topic: string): RelayError | undefined {
    try {
      authorizePush(identity, topic, config);
    } catch (error) {
      return toRelayError(error);
    }
  }

  function refusePush(frame: Frame, { reason }: RelayError): undefined {
    if (frame.ref != null) answer(encodeReply(vsn, frame, "error", { reason }));
  }

  function judgePush(frame: Frame, text: string): Judgement {
    const error = refusalOf(frame.topic);
    return error ? refusePush(frame, error) : pass(frame, text);
  }

  function judgeBinary(data: ArrayBuffer): Judgement {
    const topic = vsn === "2.0.0" ? topicOfBinary(data) : undefined;
    if (topic === undefined || !topics.has(topic)) return undefined;
    const error = refusalOf(topic);
    return error ? refusePush(frameOfBinary(data, topic), error) : data;
  }

  return (data) => {
    if (isOver(config.maxFrameBytes, data)) {
      throw new RelayError("too_big", "A message is too big.");
    }
    if (!mayPass()) throw new RelayError("too_many_frames", "The client sends too many messages.");
    return typeof data === "string" ? judgeText(data) : judgeBinary(data);
  };
}

/** Counts bytes where units leave it open: a UTF-16 unit takes one to three. */
function isOver(bytes: number, data: Message): boolean {
  if (typeof data !== "string") return data.byteLength > bytes;
  if (data.length * 3 <= bytes) return false;
  return data.length > bytes || new TextEncoder().encode(data).length > bytes;
}

/** Refusals that no answer on one channel can express. */
function endsSocket(error: RelayError): boolean {
  return error.code === "secret_key" || error.code === "signed_out" ||
    error.code === "internal";
}

function isToken(value: unknown): value is string {
  return typeof value === "string" && value.split(".").length === 3;
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}
