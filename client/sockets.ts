import type { Data } from "./frame.ts";
import type { Host } from "./host.ts";
import type { Link } from "./link.ts";
import type { Timers } from "./timers.ts";

/** What a socket underneath tells. */
export interface SocketEvents {
  opened(link: Link): void;
  frame(link: Link, data: Data): void;
  ended(link: Link, code: number, reason: string): void;
}

/** A refused socket is closed after up to 12 s, and the code says why. */
const DIAL_MS = 15_000;

const OPEN = 1;

/** The sockets of the links. One that was ended tells nothing more. */
export class Sockets {
  readonly #sockets = new Map<Link, WebSocket>();

  constructor(
    private readonly host: Host,
    private readonly timers: Timers,
    private readonly events: SocketEvents,
  ) {}

  get links(): Link[] {
    return [...this.#sockets.keys()];
  }

  has(link: Link): boolean {
    return this.#sockets.has(link);
  }

  isOpen(link: Link): boolean {
    return this.#sockets.get(link)?.readyState === OPEN;
  }

  protocolOf(link: Link): string {
    return this.#sockets.get(link)?.protocol ?? "";
  }

  /** Throws where a protocol holds what no protocol may. A link that is not proven in time ends. */
  dial(link: Link, url: URL, protocols: string[]): void {
    const socket = new this.host.WebSocket(url, protocols);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.events.opened(link);
    socket.onmessage = ({ data }) => this.events.frame(link, data);
    socket.onclose = ({ code, reason }) => this.events.ended(link, code, reason);
    this.#sockets.set(link, socket);
    this.timers.set(`dial ${link.id}`, DIAL_MS, () => this.events.ended(link, 1006, "no answer"));
  }

  proven(link: Link): void {
    this.timers.clear(`dial ${link.id}`);
  }

  /** False where the socket takes no more: its end is on the way. */
  send(link: Link, data: Data): boolean {
    const isOpen = this.isOpen(link);
    if (isOpen) this.#sockets.get(link)!.send(data);
    return isOpen;
  }

  /** Closes the socket, if the other side has not, and forgets it. False where that was done. */
  end(link: Link): boolean {
    const socket = this.#sockets.get(link);
    if (!socket) return false;
    this.#sockets.delete(link);
    link.gone.abort();
    this.timers.clear(`dial ${link.id}`);
    this.timers.clear(`beat ${link.id}`);
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
    return true;
  }
}
