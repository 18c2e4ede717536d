import { createHash } from "node:crypto";
import { CLOSE, frame, FrameReader, type OnFrame, PING, PONG } from "./frames.ts";
import { accept, close, connect, listen, Poll, receive, send } from "./libc.ts";

/** One WebSocket, of which only frames are left once it is open. */
export interface End {
  readonly fd: number;
  readonly side: "client" | "upstream";
  /** False until its handshake is done. */
  open: boolean;
  /** The other end, through the proxy; set by a frame that names it. */
  peer?: End;
  send(data: Uint8Array<ArrayBuffer>): void;
}

/** Far above what a loaded machine takes; only ends a run that would hang. */
const DEADLINE_MS = 300_000;

/** A proxy that keeps a socket for longer than this after its goodbye is not waited for. */
const GOODBYE_MS = 1_000;

/** A look for commands takes no longer, though nothing comes. */
const IDLE_MS = 60_000;

/** Close code 1000. */
const NORMAL = new Uint8Array([1000 >> 8, 1000 & 0xff]);

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** The upstream end's answer to a request that is no upgrade: 300 bytes, as a row or two are. */
const PAGE = encoder.encode(
  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 300\r\n\r\n" +
    `["${"x".repeat(296)}"]`,
);

/** Both ends of a proxy in one loop: the clients that connect to it, and the upstream behind it. */
export class Ends {
  readonly clients: End[] = [];
  readonly upstreams: End[] = [];
  readonly port: number;
  /** Called with each frame; replaced by whoever measures. */
  onFrame: (end: End, ...frame: Parameters<OnFrame>) => void = () => {};
  /** Called when an upstream socket is open. */
  onUpstream: (end: End) => void = () => {};
  readonly #poll = new Poll();
  readonly #listener: number;
  #closing = false;
  /** Those of untilReadable(). */
  readonly #watched = new Set<number>();
  readonly #readers = new Map<number, (data: Uint8Array<ArrayBuffer>) => void>();
  readonly #buffer = new Uint8Array(1 << 18);

  constructor() {
    const { fd, port } = listen();
    this.#listener = fd;
    this.port = port;
    this.#poll.add(fd);
  }

  /** Begins a handshake with the proxy. */
  connect(port: number, head: string): End {
    const end = this.#end("client", connect(port));
    this.clients.push(end);
    end.send(encoder.encode(head));
    return end;
  }

  /** A connection to the proxy that is no WebSocket: `onData` is told what comes, not for keeps. */
  plain(port: number, onData: (data: Uint8Array<ArrayBuffer>) => void): End["send"] {
    const fd = connect(port);
    this.#readers.set(fd, onData);
    this.#poll.add(fd);
    return (data) => send(fd, data);
  }

  /** Handles what arrives until the condition holds. Throws where that takes too long. */
  until(condition: () => boolean, what: string): void {
    const late = performance.now() + DEADLINE_MS;
    while (!condition()) {
      this.#poll.wait(late - performance.now(), this.#ready);
      if (performance.now() > late) throw new Error(`waited in vain: ${what}`);
    }
  }

  /** Handles what arrives in this time. */
  during(ms: number): void {
    for (const end = performance.now() + ms; performance.now() < end;) {
      this.#poll.wait(end - performance.now(), this.#ready);
    }
  }

  /**
   * Handles what arrives until this descriptor has something to read: a proxy pings sockets that are
   * idle while another one is measured.
   */
  untilReadable(fd: number): void {
    if (!this.#watched.has(fd)) this.#poll.add(fd);
    this.#watched.add(fd);
    let isReadable = false;
    const ready = (it: number) => void (it === fd ? isReadable = true : this.#ready(it));
    while (!isReadable) this.#poll.wait(IDLE_MS, ready);
  }

  /** Has every client say goodbye, waits for the ends that follow, and cuts off who stays. */
  close(): void {
    this.#closing = true;
    this.onFrame = (end, opcode) => {
      if (opcode !== CLOSE) return;
      if (end.side === "upstream") end.send(frame(CLOSE, NORMAL));
      else this.#drop(end.fd);
    };
    for (const client of this.clients) client.send(frame(CLOSE, NORMAL, true));
    const late = performance.now() + GOODBYE_MS;
    while (this.#readers.size > 0 && performance.now() < late) this.during(10);
    for (const fd of this.#readers.keys()) close(fd);
    this.#readers.clear();
    this.clients.length = this.upstreams.length = 0;
    this.#closing = false;
  }

  readonly #ready = (fd: number): void => {
    if (this.#watched.has(fd)) return; // A command waits for the answer to the one before.
    if (fd === this.#listener) {
      this.upstreams.push(this.#end("upstream", accept(fd)));
      return;
    }
    const count = receive(fd, this.#buffer);
    if (count > 0) return this.#readers.get(fd)!(this.#buffer.subarray(0, count));
    if (!this.#closing && this.clients.some((end) => end.fd === fd)) {
      throw new Error("The proxy cut a client off.");
    }
    this.#drop(fd);
  };

  #drop(fd: number): void {
    if (this.#readers.delete(fd)) close(fd);
    // A hub that lost its socket has another.
    const place = this.upstreams.findIndex((end) => end.fd === fd);
    if (place >= 0) this.upstreams.splice(place, 1);
  }

  #end(side: End["side"], fd: number): End {
    const end: End = { fd, side, open: false, send: (data) => send(fd, data) };
    const reader = new FrameReader();
    const onFrame: OnFrame = (opcode, payload) => {
      if (opcode === PING) end.send(frame(PONG, payload, side === "client"));
      else this.onFrame(end, opcode, payload);
    };
    let head = "";
    this.#readers.set(fd, (data) => {
      if (end.open) return reader.push(data, onFrame);
      head += decoder.decode(data);
      const length = head.indexOf("\r\n\r\n") + 4;
      if (length < 4) return;
      if (side === "upstream" && !/^upgrade:/im.test(head)) {
        head = "";
        return end.send(PAGE);
      }
      end.open = true;
      if (side === "upstream") this.#welcome(end, head);
      else if (!head.startsWith("HTTP/1.1 101")) throw new Error(`no upgrade: ${head}`);
      if (head.length > length) {
        reader.push(data.subarray(data.length - head.length + length), onFrame);
      }
    });
    this.#poll.add(fd);
    return end;
  }

  #welcome(end: End, head: string): void {
    const [, key] = /sec-websocket-key: *(.+)\r/i.exec(head)!;
    const digest = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    end.send(encoder.encode(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${digest.digest("base64")}\r\n\r\n`,
    ));
    this.onUpstream(end);
  }
}
