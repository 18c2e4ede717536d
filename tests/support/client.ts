/** A raw WebSocket client that remembers what happened, so that a test can wait for it. */
export interface Client {
  socket: WebSocket;
  /** The subprotocol that the server picked. Resolves on open, rejects if it never opens. */
  opened: Promise<string>;
  closed: Promise<{ code: number; reason: string }>;
  /** The next message: text, or binary as bytes. Rejects when the socket closes before one came. */
  next(): Promise<string | Uint8Array>;
  send(data: string | Uint8Array<ArrayBuffer>): void;
}

export interface ConnectOptions {
  protocols?: string[];
  headers?: Record<string, string>;
}

/** Opens a socket. `headers` go along as a program would send them; a browser cannot. */
export function connect(url: string, { protocols = [], headers }: ConnectOptions = {}): Client {
  const options = headers ? { protocols, headers } : protocols;
  const socket = new WebSocket(url, options as string[]);
  socket.binaryType = "arraybuffer";
  const inbox: (string | Uint8Array)[] = [];
  const waiting: PromiseWithResolvers<string | Uint8Array>[] = [];
  let ended: Error | undefined;
  const opened = Promise.withResolvers<string>();
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  opened.promise.catch(() => "A test that expects a refusal waits for `closed`.");
  socket.onopen = () => opened.resolve(socket.protocol);
  socket.onmessage = ({ data }) => {
    const message = typeof data === "string" ? data : new Uint8Array(data);
    const waiter = waiting.shift();
    if (waiter) waiter.resolve(message);
    else inbox.push(message);
  };
  socket.onclose = ({ code, reason }) => {
    ended = new Error(`The socket closed: ${code} ${reason}`);
    opened.reject(ended);
    waiting.forEach((waiter) => waiter.reject(ended));
    closed.resolve({ code, reason });
  };
  return {
    socket,
    opened: opened.promise,
    closed: closed.promise,
    send: (data) => socket.send(data),
    next() {
      if (inbox.length > 0) return Promise.resolve(inbox.shift()!);
      if (ended) return Promise.reject(ended);
      const waiter = Promise.withResolvers<string | Uint8Array>();
      waiting.push(waiter);
      return waiter.promise;
    },
  };
}
