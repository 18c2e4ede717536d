/** A runtime without a network: sockets are objects, so thousands of them pass in a second. */
import type {
  LogLine,
  Message,
  Runtime,
  Socket,
} from "../../../../supabase/functions/relay/runtime.ts";

/** A socket whose other end is the test. */
export class FakeSocket extends EventTarget {
  readyState = 0;
  binaryType: BinaryType = "blob";
  bufferedAmount = 0;
  readonly sent: Message[] = [];
  onSent: (message: Message) => void = () => {};
  readonly opened = new Promise<void>((resolve) => this.addEventListener("open", () => resolve()));
  readonly closed = new Promise<number>((resolve) =>
    this.addEventListener("close", (event) => resolve((event as CloseEvent).code))
  );

  send(message: Message): void {
    this.sent.push(message);
    this.onSent(message);
  }

  close(code = 1005): void {
    if (this.readyState >= 2) return;
    this.readyState = 3;
    queueMicrotask(() => this.dispatchEvent(new CloseEvent("close", { code })));
  }

  open(): void {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  receive(data: Message): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

/** All that a relay did with its runtime. */
export class FakeRuntime implements Runtime {
  readonly dials: { url: URL; socket: FakeSocket }[] = [];
  readonly upgrades: { protocol: string | undefined; socket: FakeSocket }[] = [];
  readonly lines: LogLine[] = [];
  readonly kept: Promise<unknown>[] = [];
  readonly strictProtocolList = false;
  readonly timersPerRequest = true;
  readonly maxSockets = 100_000;
  readonly now = Date.now;

  upgrade(_request: Request, protocol: string | undefined) {
    const socket = new FakeSocket();
    this.upgrades.push({ protocol, socket });
    setTimeout(() => socket.open());
    return { socket: socket as unknown as Socket, response: new Response() };
  }

  dial(url: URL): Socket {
    const socket = new FakeSocket();
    this.dials.push({ url, socket });
    setTimeout(() => socket.open());
    return socket as unknown as Socket;
  }

  keepAlive(promise: Promise<unknown>): void {
    this.kept.push(promise);
  }

  onShutdown(): void {}

  log(line: LogLine): void {
    this.lines.push(line);
  }

  /** Nobody may be asked: the project's secret is known. Its key set is empty. */
  readonly fetch = () => Promise.resolve(Response.json({ keys: [] }));
}
