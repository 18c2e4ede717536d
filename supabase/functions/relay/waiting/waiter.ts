import type { Authenticator } from "../door/authenticate.ts";
import { authorizeKey } from "../door/authorize.ts";
import { judge } from "../door/credential.ts";
import type { Identity } from "../door/identity.ts";
import type { Config } from "../config/config.ts";
import { type Code, RelayError, toRelayError } from "../errors.ts";
import { readEnvelope } from "../realtime/envelope.ts";
import {
  encodeEnding,
  encodeFrame,
  encodeReply,
  type Frame,
  UNMATCHED,
} from "../realtime/phoenix.ts";
import type { Vsn } from "../realtime/upstream.ts";
import { parseWhole } from "../realtime/whole.ts";
import type { Awake } from "../peer/awake.ts";
import { Kept, SPARE_BYTES, type Sum, type Unsent } from "../peer/unsent.ts";
import type { Message, Runtime, Socket } from "../runtime.ts";
import { Account } from "../socket/account.ts";
import { Answers } from "./answers.ts";
import { Held, MAX_HELD_LENGTH } from "./held.ts";
import type { Waiting } from "./room.ts";

/** Whoever has a token sends it as soon as the socket is open. */
const WAIT_MS = 10_000;

/** Refusals that no answer on one channel can express. */
const ENDS_SOCKET: Code[] = ["secret_key", "too_many_frames", "internal"];

/** Older SDKs push the token behind the join. */
const TOKEN_BEHIND_MS = 1_000;

export interface WaiterOptions {
  /** Just accepted. */
  client: Socket;
  vsn: Vsn;
  config: Config;
  authenticator: Pick<Authenticator, "authenticate">;
  runtime: Pick<Runtime, "now">;
  awake: Pick<Awake, "after">;
  unsent: Unsent;
  /** What all who wait may make the relay keep. Default: what all peers may. */
  memory?: Sum;
}

/**
 * A socket that a public key opened, until somebody is named for it: all SDKs but ours bring the
 * user's token in a frame.
 *
 * ```
 *    waiting ──── a frame brings a token ────▶ checking ──── it is good ────▶ named ──▶ handed over
 *     │    ▲                                      │
 *     │    └──── it is not: its channel is told ──┘
 *     └─ 10 s, too much, a secret key, or others need the room ─▶ over: rejects
 * ```
 *
 * Nothing is dialled for it. Heartbeats are answered; a join without a token waits a second for one
 * that is pushed behind it, and is then answered with `token_missing`; what comes while a token is
 * checked waits, in order. Everything costs the client what it costs elsewhere.
 */
export class Waiter implements Waiting {
  /** True where it was told to go after its wait: a further one would slow nobody down. */
  hasWaited = false;
  readonly #account: Account;
  #stage: "waiting" | "checking" | "named" | "over" = "waiting";
  readonly #held: Held;
  readonly #answers: Answers;
  readonly #naming = Promise.withResolvers<Identity | undefined>();
  readonly #failing = Promise.withResolvers<never>();
  readonly #stopTimer: () => void;
  /** The token that is checked is the last. */
  #isLate = false;

  constructor(readonly options: WaiterOptions) {
    const { client, config, runtime, awake, unsent, memory = unsent } = options;
    this.#held = new Held(new Kept(memory, MAX_HELD_LENGTH, SPARE_BYTES));
    this.#answers = new Answers(client, unsent);
    this.#account = new Account(config, runtime.now);
    this.failed.catch(() => "Nobody looks any more once it is handed over.");
    client.binaryType = "arraybuffer";
    client.bound?.(Math.min(MAX_HELD_LENGTH, config.maxFrameBytes));
    client.addEventListener("message", ({ data }) => this.#guard(() => this.#take(data)));
    client.addEventListener("close", () => this.#left(), { once: true });
    this.#stopTimer = awake.after(WAIT_MS, () => this.#timeUp());
  }

  /**
   * Resolves with the user that a verified token names; with undefined where the client has left.
   * Rejects with a RelayError where the socket is to end.
   */
  get named(): Promise<Identity | undefined> {
    return this.#naming.promise;
  }

  /** Rejects where the socket is to end, also behind its naming. Never resolves. */
  get failed(): Promise<never> {
    return this.#failing.promise;
  }

  giveWay(error: RelayError): void {
    if (this.#stage !== "named") this.end(error);
  }

  /** Ends it at once, also while Realtime is dialled; does nothing behind handOver(). */
  end(error: RelayError): void {
    if (this.#stage === "over") return;
    this.hasWaited = true;
    this.#fail(error);
  }

  /** Ends what it does with the socket, which is let in. Returns what has come so far, in order. */
  handOver(): Message[] {
    const { client, config } = this.options;
    client.bound?.(config.maxFrameBytes);
    this.#answers.stop();
    return this.stop();
  }

  /** Ends what it does with the socket, which is to be closed. Returns what has come so far. */
  stop(): Message[] {
    this.#stage = "over";
    return this.#held.take();
  }

  #timeUp(): void {
    this.#isLate = true;
    if (this.#stage === "waiting") this.giveWay(tokenMissing());
  }

  #take(message: Message): void {
    if (this.#stage === "over") return;
    const size = typeof message === "string" ? message.length : message.byteLength;
    if (size > this.options.config.maxFrameBytes) throw tooMuch();
    if (this.#stage === "named") return this.#held.add({ message });
    if (this.#stage === "checking") return this.#held.add({ message, isUnread: true });
    this.#account.message(size);
    // Nothing is joined yet, so binary is for no channel.
    if (typeof message === "string") this.#read(message);
  }

  #read(text: string): void {
    if (this.options.vsn === "1.0.0") this.#account.look(text.length);
    const frame = readEnvelope(this.options.vsn, text)?.frame;
    switch (frame?.event) {
      case undefined:
        return;
      case "heartbeat":
        return this.#reply(frame!, "ok");
      case "phx_join":
      case "access_token":
        return this.#readToken(frame!, text);
      case "phx_leave":
        return this.#leave(frame!);
    }
    // Behind a join that waits it waits too.
    if (this.#held.has(frame!.topic)) this.#held.add({ message: text, topic: frame!.topic });
    else this.#reply(frame!, "error", UNMATCHED);
  }

  /** One of another join than that which waits is passed over, as in Realtime. */
  #leave(frame: Frame): void {
    const joinRef = this.#held.joinRefOf(frame.topic);
    if (joinRef != null && joinRef !== frame.join_ref) return;
    this.#held.drop(frame.topic);
    this.#reply(frame, "ok");
  }

  #readToken(frame: Frame, text: string): void {
    const token = this.#tokenOf(frame, text);
    if (token === undefined) return;
    this.#stage = "checking";
    this.options.authenticator.authenticate({ kind: "token", token }).then(
      (user) => this.#name(user, text),
      (error) => this.#guard(() => this.#deny(frame, toRelayError(error))),
    );
  }

  /** The user's token that a frame brings; undefined where it is dealt with. */
  #tokenOf(frame: Frame, text: string): string | undefined {
    const { config, vsn } = this.options;
    try {
      const whole = parseWhole(vsn, text, this.#account);
      if (!whole) return;
      // Realtime takes the second for a token too; it is what the oldest SDKs send.
      const { access_token, user_token } = Object(whole.payload ?? {});
      const given = [access_token, user_token].filter((it) => typeof it === "string");
      for (const key of given) authorizeKey(key, config);
      const token = given.find((key) => !key.startsWith("sb_") && isToken(key, config));
      if (token !== undefined) {
        this.#account.check();
        return token;
      }
      if (whole.event === "phx_join") this.#awaitToken(whole);
    } catch (thrown) {
      this.#deny(frame, toRelayError(thrown));
    }
  }

  /** Without the key that it carries, which later would be a sign-out. */
  #awaitToken(frame: Frame): void {
    const { topic } = frame;
    const { config } = Object(frame.payload ?? {});
    const message = encodeFrame(this.options.vsn, { ...frame, payload: { config } });
    this.#held.drop(topic);
    const missing = () => {
      this.#held.drop(topic);
      this.#reply(frame, "error", tokenMissing().reason);
    };
    if (this.#held.isFull) return missing();
    const join = { message, topic, joinRef: frame.join_ref, stopWait() {} };
    this.#held.add(join);
    join.stopWait = this.options.awake.after(TOKEN_BEHIND_MS, missing);
  }

  /** A bad token is told on its channel; the next one may be good. */
  #deny(frame: Frame, error: RelayError): void {
    if (this.#stage === "over") return;
    if (this.#isLate) return this.end(error);
    if (ENDS_SOCKET.includes(error.code)) throw error;
    this.#stage = "waiting";
    if (frame.event === "phx_join") this.#reply(frame, "error", error.reason);
    else this.#endChannel(frame, error);
    for (const message of this.#held.takeUnread()) this.#take(message);
  }

  #endChannel({ topic, join_ref }: Frame, { reason }: RelayError): void {
    this.#held.drop(topic);
    const ending = encodeEnding(this.options.vsn, topic, join_ref, reason);
    for (const text of ending) this.#answer(text);
  }

  #name(user: Identity, message: Message): void {
    if (this.#stage === "over") return;
    this.#stage = "named";
    this.#stopTimer();
    this.#held.stopWaits();
    this.#held.addRead({ message });
    this.#naming.resolve(user);
  }

  #reply(frame: Frame, status: "ok" | "error", reason?: string): void {
    const response = reason === undefined ? {} : { reason };
    this.#answer(encodeReply(this.options.vsn, frame, status, response));
  }

  #answer(text: string): void {
    if (this.#answers.say(text)) return;
    this.end(new RelayError("unread", "The client does not read what it is answered."));
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(toRelayError(error));
    }
  }

  #fail(error: RelayError): void {
    this.#end();
    this.#naming.reject(error);
    this.#failing.reject(error);
  }

  #left(): void {
    this.#answers.stop();
    this.#end();
    this.#naming.resolve(undefined);
  }

  #end(): void {
    this.#stopTimer();
    this.#stage = "over";
    this.#held.take();
  }
}

function isToken(text: string, config: Config): boolean {
  return judge(text, config).kind === "token";
}

function tokenMissing(): RelayError {
  return new RelayError("token_missing", "No join has brought the user's token.");
}

function tooMuch(): RelayError {
  return new RelayError("too_big", "The client sends too much before it is let in.");
}
