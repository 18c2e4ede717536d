/** One topic that one socket has joined, from the reply to its join to phx_close. */
import { broadcast } from "./broadcast.ts";
import type { JoinConfig } from "./join_config.ts";
import type { Json } from "./json.ts";
import { Rate } from "./limits.ts";
import type { Access } from "./private.ts";
import { jsonFrame, type Message } from "./serializer.ts";
import type { ClientSocket } from "./socket.ts";
import type { Tenant } from "./tenant.ts";
import { type Identity, TokenError, verify } from "./token.ts";

/** setTimeout cannot wait longer, and a legacy key lives ten years. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export interface ChannelOptions {
  socket: ClientSocket;
  /** `realtime:<name>`. */
  topic: string;
  name: string;
  joinRef: Json;
  config: JoinConfig;
  identity: Identity;
  access: Access;
}

export class Channel {
  readonly tenant: Tenant;
  readonly socket: ClientSocket;
  readonly topic: string;
  readonly name: string;
  readonly config: JoinConfig;
  readonly presenceCalls: Rate;
  identity: Identity;
  access: Access;
  #joinRef: Json;
  #expiry?: ReturnType<typeof setTimeout>;
  #open = false;

  constructor(options: ChannelOptions) {
    ({ socket: this.socket, topic: this.topic, name: this.name, config: this.config } = options);
    this.identity = options.identity;
    this.access = options.access;
    this.#joinRef = options.joinRef;
    this.tenant = this.socket.tenant;
    this.presenceCalls = new Rate(this.tenant.limits.presenceCalls, 30_000);
  }

  get isOpen() {
    return this.#open;
  }

  open() {
    this.#open = true;
    this.tenant.topics.add(this);
    this.#awaitExpiry();
  }

  /** Handles what a client sends to the topic, but for joins. What it does not know, it ignores. */
  handle(message: Message): void | Promise<void> {
    switch (message.event) {
      case "phx_leave":
        this.stop();
        this.reply(message, "ok");
        return this.close();
      case "access_token":
        return this.#refresh(message.payload);
      case "presence":
        return this.tenant.presence.handle(this, message);
      case "broadcast":
        return broadcast(this, message);
    }
  }

  reply(message: Message, status: "ok" | "error", response = "{}") {
    this.socket.reply(message, status, response);
  }

  /** Sends a frame of the server's own to this channel. */
  push(event: string, payload: string) {
    this.socket.send(
      jsonFrame({ topic: this.topic, event, payload, joinRef: this.#joinRef }),
    );
  }

  system(extension: "system" | "postgres_changes", status: "ok" | "error", message: string) {
    this.push("system", JSON.stringify({ message, status, extension, channel: this.name }));
  }

  /** Ends the channel with the reason; the socket stays open. */
  shutDown(reason: string) {
    if (!this.#open) return;
    this.system("system", "error", reason);
    this.stop();
    this.close();
  }

  /** Tells the client that the channel is closed. */
  close() {
    this.#end("phx_close", "{}");
  }

  /** Tells the client that the channel broke down. */
  crash() {
    this.stop();
    this.#end("phx_error", '{"reason":"channel_crash"}');
  }

  /** Takes the channel out of everything, silently. */
  stop() {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#expiry);
    this.socket.channels.delete(this.topic);
    this.tenant.topics.delete(this);
    this.tenant.changes.unsubscribe(this);
    this.tenant.presence.leave(this);
  }

  #end(event: string, payload: string) {
    const [topic, ref] = [this.topic, this.#joinRef];
    this.socket.send(jsonFrame({ topic, event, payload, ref, joinRef: ref }));
  }

  #awaitExpiry() {
    clearTimeout(this.#expiry);
    const left = this.identity.exp * 1000 - Date.now();
    this.#expiry = setTimeout(() => {
      if (left > MAX_TIMEOUT_MS) return this.#awaitExpiry();
      const age = Math.max(0, Math.floor(Date.now() / 1000 - this.identity.exp));
      this.shutDown(new TokenError("expired", age).system);
    }, Math.min(Math.max(left, 0), MAX_TIMEOUT_MS));
  }

  /** A new token: bad ones end the channel, as does one that may not read the topic any more. */
  async #refresh(payload: Message["payload"]) {
    const token = payload instanceof Map ? payload.get("access_token") : undefined;
    if (typeof token !== "string" || token.startsWith("sb_")) return;
    if (token === this.identity.token) return;
    try {
      const identity = await verify(token, this.tenant.keys);
      const access = await this.tenant.access(this, identity);
      if (!this.#open) return;
      if (!access.read) return this.shutDown(unauthorized(this.name));
      [this.identity, this.access] = [identity, access];
    } catch (error) {
      if (error instanceof TokenError) return this.shutDown(error.system);
      throw error;
    }
    this.#awaitExpiry();
    // Not waited for: the client's next messages are not to stand behind the database.
    if (this.config.bindings.length > 0) this.tenant.changes.subscribe(this);
  }
}

/** What a client without the right to receive is told. */
export function unauthorized(name: string): string {
  return `You do not have permissions to read from this Channel topic: ${name}`;
}
