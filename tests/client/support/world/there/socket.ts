import { decode, type Frame } from "./frames.ts";
import { Line } from "./line.ts";
import { KEY } from "../here/session.ts";
import type { World } from "../world.ts";

type Listener = (event: { type: string; [name: string]: unknown }) => void;

/** What the client takes for WebSocket in this world. */
export class WorldSocket {
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;
  readyState = 0;
  protocol = "";
  extensions = "";
  binaryType = "blob";
  bufferedAmount = 0;
  onopen: Listener | null = null;
  onmessage: Listener | null = null;
  onerror: Listener | null = null;
  onclose: Listener | null = null;
  readonly url: string;
  readonly line: Line;
  #listeners = new Map<string, Set<Listener>>();

  constructor(readonly world: World, url: string | URL, readonly protocols: string[]) {
    this.url = String(url);
    world.dials.push(world.time.now);
    if (world.transport.status.state === "closed") {
      world.ledger.breaks("status", "a socket is asked for, and the status is closed");
    }
    if (world.weather.now("dial")?.answer === "throws") {
      throw new DOMException("The operation is insecure.", "SecurityError");
    }
    if (protocols.some((name) => !/^[!#$%&'*+.^_`|~\w-]+$/.test(name))) {
      throw new DOMException("A protocol is no token.", "SyntaxError");
    }
    for (const name of protocols) {
      if (name.startsWith("jwt-")) world.session.leaves(name.slice(4), "a handshake");
    }
    this.line = new Line(world, this, protocols);
    world.sockets.push(this);
  }

  get isOpen(): boolean {
    return this.readyState === 1;
  }

  send(data: string | ArrayBuffer | ArrayBufferView): void {
    if (this.readyState === 0) throw new DOMException("Still connecting", "InvalidStateError");
    if (this.readyState > 1) return;
    const { world } = this;
    const buffer = ArrayBuffer.isView(data) ? data.buffer as ArrayBuffer : data;
    const frame = decode(world.setup.vsn, buffer);
    this.#look(frame);
    this.line.fromClient(frame);
  }

  #look(frame: Frame): void {
    const { session, application } = this.world;
    const { access_token: token, user_token: other } = frame.payload;
    for (const found of [token, other]) {
      if (found !== undefined && found !== KEY) {
        session.leaves(found, `${frame.event} of ${frame.topic}`);
      }
    }
    application.left(frame, this);
  }

  close(code = 1005, reason = ""): void {
    if (this.readyState >= 2) return;
    const wasOpen = this.readyState === 1;
    this.readyState = 2;
    this.line.closedByClient();
    const { time, setup } = this.world;
    // Who does not answer a close is waited for.
    const wait = this.line.isDead || !wasOpen ? 2_000 : 2 * setup.latencyMs;
    time.later(wait, () => this.closed(wasOpen ? code : 1006, reason), "arrival");
  }

  // --- the world's side

  opened(protocol: string): void {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    this.protocol = protocol;
    this.#emit("open", {});
  }

  bring(data: string | ArrayBuffer): void {
    if (this.readyState === 1) this.#emit("message", { data });
  }

  closed(code: number, reason: string): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    if (code === 1006) this.#emit("error", {});
    this.#emit("close", { code, reason, wasClean: code !== 1006 });
  }

  #emit(type: string, more: Record<string, unknown>): void {
    const event = { type, target: this, ...more };
    const handler = {
      open: this.onopen,
      message: this.onmessage,
      error: this.onerror,
      close: this.onclose,
    }[type];
    handler?.call(this, event);
    for (const listener of this.#listeners.get(type) ?? []) listener.call(this, event);
  }

  addEventListener(type: string, listener: Listener): void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
  }

  removeEventListener(type: string, listener: Listener): void {
    this.#listeners.get(type)?.delete(listener);
  }
}
