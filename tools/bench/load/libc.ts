/**
 * The C library's own sockets: a Deno socket costs as much CPU a message as the proxies that are
 * measured, these cost a fifth of it. Linux with glibc, on x86-64 and arm64, where a 32-bit length
 * fills the register of a size_t.
 */
const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept: { parameters: ["i32", "pointer", "pointer"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
}).symbols;

const AF_INET = 2;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const MSG_NOSIGNAL = 0x4000;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
const BACKLOG = 4096;
const MAX_EVENTS = 1024;
/** `struct epoll_event` is packed on x86-64 alone: where its data begin, and its size. */
const [DATA, EVENT] = Deno.build.arch === "x86_64" ? [4, 12] : [8, 16];

function check(result: number, call: string): number {
  if (result >= 0) return result;
  throw new Error(`${call}() failed: look at ulimit -n, which 5,000 viewers need to be 12,000.`);
}

/** `struct sockaddr_in` of 127.0.0.1. */
function loopback(port: number): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(16);
  address.set([AF_INET & 0xff, AF_INET >> 8, port >> 8, port & 0xff, 127, 0, 0, 1]);
  return address;
}

function tcp(): number {
  const fd = check(libc.socket(AF_INET, SOCK_STREAM, 0), "socket");
  return noDelay(fd);
}

function noDelay(fd: number): number {
  libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, new Int32Array([1]), 4);
  return fd;
}

/** Listens on any free port of 127.0.0.1. */
export function listen(): { fd: number; port: number } {
  const fd = tcp();
  check(libc.bind(fd, loopback(0), 16), "bind");
  check(libc.listen(fd, BACKLOG), "listen");
  const address = new Uint8Array(16);
  check(libc.getsockname(fd, address, new Uint32Array([16])), "getsockname");
  return { fd, port: address[2] << 8 | address[3] };
}

export function connect(port: number): number {
  const fd = tcp();
  check(libc.connect(fd, loopback(port), 16), "connect");
  return fd;
}

export const accept = (listener: number) =>
  noDelay(check(libc.accept(listener, null, null), "accept"));

/** Sends all of it; waits where the peer does not read. */
export function send(fd: number, data: Uint8Array<ArrayBuffer>): void {
  for (let rest = data; rest.length > 0;) {
    rest = rest.subarray(check(libc.send(fd, rest, rest.length, MSG_NOSIGNAL), "send"));
  }
}

/** How many bytes were there; 0 and less are an end. To be called only where poll() names it. */
export const receive = (fd: number, into: Uint8Array<ArrayBuffer>) =>
  libc.recv(fd, into, into.length, 0);

export const close = (fd: number) => void libc.close(fd);

/** Names the descriptors that have something to read. */
export class Poll {
  readonly #fd = check(libc.epoll_create1(0), "epoll_create1");
  readonly #events = new DataView(new ArrayBuffer(MAX_EVENTS * EVENT));

  add(fd: number): void {
    const event = new DataView(new ArrayBuffer(EVENT));
    event.setUint32(0, EPOLLIN, true);
    event.setInt32(DATA, fd, true);
    check(libc.epoll_ctl(this.#fd, EPOLL_CTL_ADD, fd, new Uint8Array(event.buffer)), "epoll_ctl");
  }

  /** Calls `ready` with each, or returns after so many ms. */
  wait(ms: number, ready: (fd: number) => void): void {
    // Negative where a signal came in between.
    const count = libc.epoll_wait(this.#fd, this.#events, MAX_EVENTS, Math.max(0, Math.ceil(ms)));
    for (let n = 0; n < count; n++) ready(this.#events.getInt32(n * EVENT + DATA, true));
  }
}
