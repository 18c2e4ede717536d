import { type Authenticator, type Identity, subjectOf } from "./authenticate.ts";
import { authorizeJoin, authorizeKey, authorizePush } from "./authorize.ts";
import type { Config } from "./config.ts";
import { RelayError, toRelayError } from "./errors.ts";
import { oneOf } from "./keys.ts";
import { Bucket } from "./limits.ts";
import {
  encodeFrame,
  encodeReply,
  encodeServerFrame,
  type Frame,
  frameOfBinary,
  parseFrame,
  topicOfBinary,
} from "./phoenix.ts";
import type { Message, Runtime } from "./runtime.ts";
import type { Vsn } from "./upstream.ts";

/** What goes upstream for a client's message: undefined is nothing. */
export type Judgement = Message | undefined;

export interface GateOptions {
  /** Whom the handshake named. */
  identity: Identity;
  vsn: Vsn;
  config: Config;
  authenticator: Pick<Authenticator, "authenticate">;
  runtime: Pick<Runtime, "now">;
}

/** Who is told what comes of a client's messages. */
export interface GateKeeper {
  /** Sends a text frame to the client. */
  answer(text: string): void;
  /** A newer token was verified. */
  onIdentity(identity: Identity): void;
  /** A join went upstream. */
  onJoin(): void;
}

/**
 * Judges what a client sends: each text frame is parsed once, and what was judged is what is sent.
 * Joins, tokens and every vsn 1.0.0 frame are built anew from the parsed value, since Realtime takes
 * the first of two equal JSON keys and JSON.parse the last. Other vsn 2.0.0 frames, whose envelope
 * is an array, go as they came, which keeps large numbers in their payloads whole. Of binary frames
 * only a broadcast on a joined topic passes. What is malformed is dropped in silence, as Realtime
 * does.
 */
export class Gate {
  readonly #bucket: Bucket;
  #identity: Identity;
  /** A public key signs out only a user whom a frame named; the handshake's user stays. */
  #namedInBand = false;
  readonly #topics = new Set<string>();

  constructor(readonly options: GateOptions, readonly keeper: GateKeeper) {
    const { identity, config, runtime } = options;
    this.#identity = identity;
    this.#bucket = new Bucket(config.framesPerSecond, config.frameBurst, runtime.now);
  }

  /** Throws a RelayError, or rejects with one, where the socket must end. */
  judge(data: Message): Judgement | Promise<Judgement> {
    if (isOver(this.options.config.maxFrameBytes, data)) {
      throw new RelayError("too_big", "A message is too big.");
    }
    if (!this.#bucket.take()) {
      throw new RelayError("too_many_frames", "The client sends too many messages.");
    }
    return typeof data === "string" ? this.#judgeText(data) : this.#judgeBinary(data);
  }

  #judgeText(text: string): Judgement | Promise<Judgement> {
    const frame = parseFrame(this.options.vsn, text);
    if (!frame) return;
    switch (frame.event) {
      case "phx_join":
        return this.#judgeJoin(frame);
      case "access_token":
        return this.#judgeToken(frame);
      case "phx_leave":
        this.#topics.delete(frame.topic);
        return this.#pass(frame, text);
      case "broadcast":
      case "presence":
        return this.#judgePush(frame, text);
      case "heartbeat":
        return this.#pass(frame, text);
    }
  }

  #judgeJoin(frame: Frame): Judgement | Promise<Judgement> {
    const refuse = (thrown: unknown): Judgement => {
      const error = toRelayError(thrown);
      if (endsSocket(error)) throw error;
      // realtime-js can rejoin with a stale token after sleep: the newest verified one goes in.
      const { access_token } = asObject(frame.payload);
      if (error.code === "token_expired" && this.#isOwn(access_token)) return this.#join(frame);
      this.keeper.answer(encodeReply(this.options.vsn, frame, "error", { reason: error.reason }));
    };
    try {
      const { access_token, user_token } = asObject(frame.payload);
      // Realtime takes it for a token too; here it goes nowhere.
      if (typeof user_token === "string") authorizeKey(user_token, this.options.config);
      const adopted = this.#adopt(access_token);
      return adopted ? adopted.then(() => this.#join(frame)).catch(refuse) : this.#join(frame);
    } catch (error) {
      return refuse(error);
    }
  }

  /** Of a join's payload only `config` passes, with the one token that was verified. */
  #join(frame: Frame): Judgement {
    const identity = this.#identity;
    const { config } = asObject(frame.payload);
    authorizeJoin(identity, frame.topic, config, this.#topics, this.options.config);
    const access_token = identity.kind === "user" ? identity.token : undefined;
    const join = this.#rebuild({ ...frame, payload: { config, access_token } });
    if (join === undefined) return;
    this.#topics.add(frame.topic);
    this.keeper.onJoin();
    return join;
  }

  #judgeToken(frame: Frame): Judgement | Promise<Judgement> {
    const { access_token } = asObject(frame.payload);
    const forward = (): Judgement => {
      const identity = this.#identity;
      if (identity.kind !== "user" || !isToken(access_token)) return;
      const payload = { access_token: identity.token };
      return encodeFrame(this.options.vsn, { ...frame, payload });
    };
    const adopted = this.#adopt(access_token);
    return adopted ? adopted.then(forward, (error) => this.#evict(frame, error)) : forward();
  }

  /** A bad token ends its channel, as in Realtime, whose own phx_close then reaches the client. */
  #evict(frame: Frame, thrown: unknown): Judgement {
    const { vsn } = this.options;
    const error = toRelayError(thrown);
    if (endsSocket(error) || error.code === "token_subject") throw error;
    const channel = frame.topic.replace(/^realtime:/, "");
    const payload = { message: error.reason, status: "error", extension: "system", channel };
    this.keeper.answer(encodeServerFrame(vsn, { ...frame, ref: null, event: "system", payload }));
    this.#topics.delete(frame.topic);
    return encodeFrame(vsn, { ...frame, event: "phx_leave", payload: {} });
  }

  #judgePush(frame: Frame, text: string): Judgement {
    const error = this.#refusalOf(frame.topic);
    return error ? this.#refusePush(frame, error) : this.#pass(frame, text);
  }

  #judgeBinary(data: ArrayBuffer): Judgement {
    const topic = this.options.vsn === "2.0.0" ? topicOfBinary(data) : undefined;
    if (topic === undefined || !this.#topics.has(topic)) return undefined;
    const error = this.#refusalOf(topic);
    return error ? this.#refusePush(frameOfBinary(data, topic), error) : data;
  }

  /** Why a push on this topic is not allowed; undefined where it is. */
  #refusalOf(topic: string): RelayError | undefined {
    try {
      authorizePush(this.#identity, topic, this.options.config);
    } catch (error) {
      return toRelayError(error);
    }
  }

  #refusePush(frame: Frame, { reason }: RelayError): undefined {
    if (frame.ref == null) return;
    this.keeper.answer(encodeReply(this.options.vsn, frame, "error", { reason }));
  }

  /** Takes over a token that a frame carries. Async only where there is a signature to check. */
  #adopt(token: unknown): void | Promise<void> {
    const { config, authenticator } = this.options;
    if (typeof token !== "string") return;
    if (this.#identity.kind === "user" && token === this.#identity.token) return;
    authorizeKey(token, config);
    if (token.startsWith("sb_") || oneOf(config.publicKeys, token)) {
      if (this.#namedInBand) {
        throw new RelayError("signed_out", "The user signed out.");
      }
      return;
    }
    return authenticator.authenticate({ kind: "token", token }).then((it) => this.#become(it));
  }

  #become(next: Identity): void {
    if (next.kind !== "user") return;
    const identity = this.#identity;
    if (identity.kind === "user") {
      if (next.id !== identity.id) {
        throw new RelayError("token_subject", "The token names another user.");
      }
      if (next.expiresAt <= identity.expiresAt) return;
    } else this.#namedInBand = true;
    this.#identity = next;
    this.keeper.onIdentity(next);
  }

  #isOwn(token: unknown): boolean {
    return this.#identity.kind === "user" && subjectOf(String(token)) === this.#identity.id;
  }

  /** In vsn 2.0.0 the envelope is an array, which every parser reads alike. */
  #pass(frame: Frame, text: string): Judgement {
    return this.options.vsn === "2.0.0" ? text : this.#rebuild(frame);
  }

  #rebuild(frame: Frame): Judgement {
    try {
      return encodeFrame(this.options.vsn, frame);
    } catch (error) {
      if (error instanceof RangeError) return; // Nested deeper than this engine can write.
      throw error;
    }
  }
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
