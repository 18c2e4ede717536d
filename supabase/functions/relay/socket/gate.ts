import { authorizeKey } from "../door/authorize.ts";
import type { Identity } from "../door/identity.ts";
import { authorizeJoin } from "../door/policy.ts";
import { RelayError, toRelayError } from "../errors.ts";
import { readEnvelope } from "../realtime/envelope.ts";
import {
  encodeEnding,
  encodeFrame,
  encodeReply,
  type Frame,
  type Ref,
} from "../realtime/phoenix.ts";
import { parseWhole } from "../realtime/whole.ts";
import type { Message, Runtime } from "../runtime.ts";
import type { Vsn } from "../realtime/upstream.ts";
import { Account } from "./account.ts";
import { Channels } from "./channels.ts";
import { Holder, type HolderOptions } from "./holder.ts";
import { type Desk, judgeBinary, type Judgement, judgePush } from "./pushes.ts";

export interface GateOptions extends HolderOptions {
  vsn: Vsn;
  runtime: Pick<Runtime, "now">;
}

/** Who is told what comes of a client's messages. */
export interface GateKeeper {
  /** Sends a text frame to the client. */
  answer(text: string): void;
  /** Leaves a channel upstream, at once; what still comes of it is not for the client. */
  leave(topic: string, joinRef: Ref): void;
  /** A newer token was verified. */
  onIdentity(identity: Identity): void;
  /** A join goes upstream. */
  onJoin(join: Frame): void;
}

/**
 * Judges what a client sends, and what it costs. Of a text frame the envelope is read, and what was
 * read is what is sent: joins, tokens and leaves are built anew from the parsed frame, every frame of
 * vsn 1.0.0 around its payload, and others of vsn 2.0.0 go as they came, which keeps large numbers in
 * their payloads whole. Of binary frames only a broadcast on a joined topic passes, and one that
 * claims to be JSON only if it is. What is malformed is dropped in silence, as Realtime does.
 */
export class Gate implements Desk {
  readonly account: Account;
  readonly holder: Holder;
  readonly channels: Channels;
  /** For whom the joined channels were judged. */
  #role: string;

  constructor(readonly options: GateOptions, readonly keeper: GateKeeper) {
    const { identity, config, runtime } = options;
    this.account = new Account(config, runtime.now);
    this.holder = new Holder(options);
    this.channels = new Channels(options.vsn, config);
    this.#role = roleOf(identity);
  }

  /** Throws a RelayError, or rejects with one, where the socket must end. */
  judge(data: Message): Judgement | Promise<Judgement> {
    if (isOver(this.options.config.maxFrameBytes, data)) throw tooBig();
    if (typeof data === "string") {
      this.account.message(data.length);
      return this.#judgeText(data);
    }
    this.account.message(data.byteLength);
    return judgeBinary(this, data);
  }

  #judgeText(text: string): Judgement | Promise<Judgement> {
    const { vsn } = this.options;
    if (vsn === "1.0.0") this.account.look(text.length);
    const envelope = readEnvelope(vsn, text);
    if (!envelope) return;
    const { frame } = envelope;
    switch (frame.event) {
      case "phx_join":
      case "phx_leave":
      case "access_token":
        return this.#judgeWhole(frame, text);
      case "broadcast":
      case "presence":
        return judgePush(this, frame, envelope.text);
      case "heartbeat":
        return { message: envelope.text, frame };
    }
  }

  #judgeWhole(frame: Frame, text: string): Judgement | Promise<Judgement> {
    let whole;
    try {
      whole = parseWhole(this.options.vsn, text, this.account);
    } catch (thrown) {
      const error = toRelayError(thrown);
      if (error.code === "too_many_frames") throw error;
      return this.#refuse(frame, error);
    }
    switch (whole?.event) {
      case "phx_join":
        return this.#judgeJoin(whole);
      case "phx_leave":
        return this.channels.leave(whole) ? this.#rebuild({ ...whole, payload: {} }) : undefined;
      case "access_token":
        return this.#judgeToken(whole);
    }
  }

  #refuse(frame: Frame, error: RelayError): Judgement {
    if (frame.event === "access_token") return this.#evict(frame, error);
    const { vsn } = this.options;
    this.keeper.answer(encodeReply(vsn, frame, "error", { reason: error.reason }));
  }

  #judgeJoin(frame: Frame): Judgement | Promise<Judgement> {
    const refuse = (thrown: unknown): Judgement => {
      const error = toRelayError(thrown);
      if (endsSocket(error)) throw error;
      // realtime-js can rejoin with a stale token after sleep: the newest verified one goes in.
      const { access_token } = asObject(frame.payload);
      if (error.code === "token_expired" && this.holder.names(access_token)) {
        return this.#join(frame);
      }
      return this.#refuse(frame, error);
    };
    try {
      const { access_token, user_token } = asObject(frame.payload);
      // Realtime takes it for a token too; here it goes nowhere.
      if (typeof user_token === "string") authorizeKey(user_token, this.options.config);
      const adopted = this.#adopt(access_token);
      if (!adopted) return this.#join(frame);
      return adopted.then(() => this.#join(frame)).catch(refuse).then((judged) => {
        this.#judgeAgain();
        return judged;
      });
    } catch (error) {
      return refuse(error);
    }
  }

  /** Of a join's payload only `config` passes, with the one token that was verified. */
  #join(frame: Frame): Judgement {
    const { identity } = this.holder;
    const { config } = asObject(frame.payload);
    // The timer that ends the socket may be late.
    if (this.#isOver(identity)) throw new RelayError("token_expired", "The token has expired.");
    authorizeJoin(identity, frame.topic, config, this.channels, this.options.config);
    this.account.join();
    this.channels.add(frame, config);
    this.keeper.onJoin(frame);
    const payload = identity.kind === "user"
      ? { config, access_token: identity.token }
      : { config };
    return this.#rebuild({ ...frame, payload });
  }

  #judgeToken(frame: Frame): Judgement | Promise<Judgement> {
    const { access_token } = asObject(frame.payload);
    const forward = (): Judgement => {
      const { identity } = this.holder;
      if (identity.kind !== "user" || !isToken(access_token) || this.#isOver(identity)) return;
      const wasJoined = this.channels.has(frame.topic);
      this.#judgeAgain();
      if (wasJoined && !this.channels.has(frame.topic)) return;
      return this.#rebuild({ ...frame, payload: { access_token: identity.token } });
    };
    const adopted = this.#adopt(access_token);
    return adopted ? adopted.then(forward, (error) => this.#evict(frame, error)) : forward();
  }

  /** A bad token ends its channel, as in Realtime. */
  #evict({ topic, join_ref }: Frame, thrown: unknown): undefined {
    const error = toRelayError(thrown);
    if (endsSocket(error) || error.code === "token_subject") throw error;
    if (this.channels.has(topic)) return this.#end(topic, error);
    this.keeper.answer(encodeEnding(this.options.vsn, topic, join_ref, error.reason)[0]);
  }

  /**
   * At a change of role the joined channels are judged for the new one. What it may not have is left
   * before anything of the new role goes upstream, and said; what another join or a leave has replaced
   * is only not heard any more.
   */
  #judgeAgain(): void {
    const { identity } = this.holder;
    if (roleOf(identity) === this.#role) return;
    this.#role = roleOf(identity);
    for (const [topic, why] of this.channels.forbiddenTo(identity)) this.#end(topic, why);
    this.channels.muteFor(identity);
  }

  /** Tells the client that a channel ended, as Realtime does, and leaves it. */
  #end(topic: string, { reason }: RelayError): undefined {
    const joinRef = this.channels.refOf(topic);
    const ending = encodeEnding(this.options.vsn, topic, joinRef, reason);
    this.channels.drop(topic);
    this.keeper.leave(topic, joinRef);
    for (const text of ending) this.keeper.answer(text);
  }

  #isOver(identity: Identity): boolean {
    return identity.kind === "user" && identity.expiresAt * 1000 <= this.options.runtime.now();
  }

  #adopt(token: unknown): Promise<void> | undefined {
    return this.holder.adopt(token, () => this.account.check())
      ?.then((next) => next && this.keeper.onIdentity(next));
  }

  #rebuild(frame: Frame): Judgement {
    return { message: encodeFrame(this.options.vsn, frame), frame };
  }
}

/** Counts bytes where units leave it open: a UTF-16 unit takes one to three. */
function isOver(bytes: number, data: Message): boolean {
  if (typeof data !== "string") return data.byteLength > bytes;
  if (data.length * 3 <= bytes) return false;
  return data.length > bytes || new TextEncoder().encode(data).length > bytes;
}

function tooBig(): RelayError {
  return new RelayError("too_big", "A message is too big.");
}

/** Refusals that no answer on one channel can express. */
function endsSocket(error: RelayError): boolean {
  return error.code === "secret_key" || error.code === "signed_out" ||
    error.code === "internal";
}

function roleOf(identity: Identity): string {
  return identity.kind === "user" ? identity.role : "anon";
}

function isToken(value: unknown): value is string {
  return typeof value === "string" && value.split(".").length === 3;
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}
