import type { Config } from "../config/config.ts";
import { RelayError } from "../errors.ts";
import type { Awake } from "../peer/awake.ts";
import { dialUpstream, type Upstream } from "../realtime/dial.ts";
import { encodeFrame } from "../realtime/phoenix.ts";
import { upstreamUrl } from "../realtime/upstream.ts";
import type { Message, Runtime } from "../runtime.ts";
import { hashesOf, TOPIC, Unable } from "./message.ts";

/** As realtime-js; Realtime gives a silent socket up after 60 s. */
const HEARTBEAT_MS = 25_000;

/** Realtime refuses a join after 5 s at worst. */
const JOIN_MS = 15_000;

/** In which what the database sends comes as text. */
const VSN = "1.0.0";

export interface ControlOptions {
  config: Config;
  runtime: Runtime;
  awake: Awake;
  onEnded(hashes: string[]): void;
}

/** One socket to Realtime, with one channel on it: which sessions ended. */
export class Control {
  #upstream: Upstream | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #answered = true;
  readonly #joined = Promise.withResolvers<void>();
  readonly #lost = Promise.withResolvers<void>();

  constructor(readonly options: ControlOptions) {
    this.#joined.promise.catch(() => "Whoever joins hears it.");
  }

  /** Settles when the socket is gone, after it was joined. */
  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  /** Resolves when the channel is joined; rejects with why it cannot be. */
  async join(): Promise<void> {
    const { config, runtime, awake } = this.options;
    const url = upstreamUrl(config, { vsn: VSN });
    this.#upstream = await dialUpstream(config, url, runtime, awake);
    this.#upstream.listen({
      onMessage: (message) => this.#take(message),
      onClose: () => this.#end(new RelayError("upstream_lost", "Realtime ended the connection.")),
    });
    this.#timer = setTimeout(() => this.close(), JOIN_MS);
    const payload = { config: { private: true } };
    this.#send("1", `realtime:${TOPIC}`, "phx_join", payload);
    await this.#joined.promise;
  }

  close(): void {
    this.#upstream?.socket.close(1000);
    this.#end(new RelayError("upstream_timeout", "Realtime did not answer."));
  }

  #send(ref: string, topic: string, event: string, payload: unknown): void {
    const join_ref = topic === "phoenix" ? null : "1";
    const frame = { join_ref, ref, topic, event, payload };
    this.#upstream!.send(encodeFrame(VSN, frame), frame);
  }

  #take(message: Message): void {
    if (typeof message !== "string") return;
    const { ref, topic, event, payload } = JSON.parse(message);
    if (topic === "phoenix") this.#answered = true;
    if (topic !== `realtime:${TOPIC}`) return;
    if (event === "phx_reply" && ref === "1") return this.#reply(payload);
    if (event === "phx_close" || event === "phx_error") return this.close();
    // What the database sends has an id; what a client may have sent has none.
    if (event === "broadcast" && payload.meta?.id !== undefined) {
      this.options.onEnded(hashesOf(payload.payload));
    }
  }

  #reply({ status, response }: { status: string; response: { reason?: string } }): void {
    if (status === "ok") {
      clearTimeout(this.#timer);
      this.#beat();
      return this.#joined.resolve();
    }
    const reason = String(response.reason ?? "error").slice(0, 200);
    // A policy that is missing stays so; too many joins, or a database that is away, pass in a moment.
    const Refused = reason.startsWith("Unauthorized") ? Unable : Error;
    this.#joined.reject(new Refused(reason));
    this.close();
  }

  #beat(): void {
    this.#timer = setTimeout(() => {
      if (!this.#answered) return this.close();
      this.#answered = false;
      this.#send("h", "phoenix", "heartbeat", {});
      this.#beat();
    }, HEARTBEAT_MS);
    // It keeps no worker alive.
    (this.#timer as { unref?(): void }).unref?.();
  }

  #end(why: RelayError): void {
    clearTimeout(this.#timer);
    this.#joined.reject(why);
    this.#lost.resolve();
  }
}
