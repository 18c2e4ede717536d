/** One topic that one client has joined, from the reply to its join to phx_close. */
import type { Subscriber } from "../changes/audiences.ts";
import { Rate } from "../rate.ts";
import type { Tenant } from "../tenant.ts";
import { type Identity, TokenError } from "../token.ts";
import type { Access } from "../topics/access.ts";
import { PREFIX } from "../topics/topic.ts";
import type { Member } from "../topics/topics.ts";
import { jsonFrame, type Outgoing } from "../wire/frame.ts";
import { encode, type Json, type JsonObject } from "../wire/json.ts";
import type { Message } from "../wire/message.ts";
import type { JoinConfig } from "./join_config.ts";
import type { ClientSocket } from "./socket.ts";

/** setTimeout cannot wait longer, and a legacy key lives ten years. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** One client, and what it has joined. */
export interface Client {
  tenant: Tenant;
  socket: ClientSocket;
  /** Of the token in the handshake. */
  identity: Identity;
  /** Those of its handshake that policies see, as JSON. */
  headers: string;
  /** The open ones, by their topics with the prefix. */
  channels: Map<string, Channel>;
}

interface ChannelOptions {
  client: Client;
  name: string;
  joinRef: Json;
  config: JoinConfig;
  identity: Identity;
  access: Access;
}

export class Channel implements Member, Subscriber {
  readonly client: Client;
  /** With the prefix. */
  readonly topic: string;
  readonly name: string;
  readonly config: JoinConfig;
  readonly isPrivate: boolean;
  readonly bindings: JsonObject[];
  readonly presenceCalls: Rate;
  #joinRef: Json;
  #identity: Identity;
  #access: Access;
  #expiry?: ReturnType<typeof setTimeout>;
  #open = false;

  constructor(options: ChannelOptions) {
    ({ client: this.client, name: this.name, config: this.config } = options);
    ({ joinRef: this.#joinRef, identity: this.#identity, access: this.#access } = options);
    this.topic = PREFIX + this.name;
    ({ private: this.isPrivate, bindings: this.bindings } = this.config);
    this.presenceCalls = new Rate(this.client.tenant.limits.presenceCalls, 30_000);
  }

  /** True for a leave that names this channel's join; a join without a ref is anybody's to leave. */
  isOf({ joinRef }: Message): boolean {
    return this.#joinRef === null || encode(joinRef) === encode(this.#joinRef);
  }

  get identity() {
    return this.#identity;
  }

  get access() {
    return this.#access;
  }

  get isOpen() {
    return this.#open;
  }

  open() {
    this.#open = true;
    this.client.channels.set(this.topic, this);
    this.client.tenant.topics.add(this);
    this.#awaitExpiry();
  }

  /** Goes on with another token, and the rights that it gives. */
  renew(identity: Identity, access: Access) {
    [this.#identity, this.#access] = [identity, access];
    this.#awaitExpiry();
  }

  send(frame: Outgoing) {
    this.client.socket.send(frame);
  }

  /** Answers with the ref of the channel's own join, whatever the message says. */
  reply(message: Message, status: "ok" | "error", response?: string) {
    this.client.socket.reply({ ...message, joinRef: this.#joinRef }, status, response);
  }

  /** Sends a frame of the server's own to this channel. */
  push(event: string, payload: string) {
    this.send(jsonFrame({ topic: this.topic, event, payload, joinRef: this.#joinRef }));
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

  /** Ends the channel, and tells the client that it broke down. */
  crash() {
    this.stop();
    this.#end("phx_error", '{"reason":"channel_crash"}');
  }

  /** Takes the channel out of everything, silently. */
  stop() {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#expiry);
    const { channels, tenant } = this.client;
    channels.delete(this.topic);
    tenant.topics.delete(this);
    tenant.changes.unsubscribe(this);
    tenant.presence.leave(this);
  }

  #end(event: string, payload: string) {
    const [topic, ref] = [this.topic, this.#joinRef];
    this.send(jsonFrame({ topic, event, payload, ref, joinRef: ref }));
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
}
