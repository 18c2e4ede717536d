/**
 * Preloaded into the functions of a project (`deno run --preload <this>`), which are written for Edge
 * Runtime: they listen where the stack asks, whatever port they name, and say so on stdout; and they
 * find the globals that Edge Runtime adds to Deno.
 */
type Handler = Deno.ServeHandler;
type Options = Deno.ServeTcpOptions & { handler?: Handler };

const { serve, listen } = Deno;
/** Free, and no other machine's. */
const HERE = { hostname: "127.0.0.1", port: 0 };

let isListening = false;

/** The stack reads it, and tells nobody. */
function say(port: number): void {
  isListening = true;
  console.log(JSON.stringify({ event: "listening", port }));
}

/** Takes the arguments of Deno.serve() in each of their forms. */
function serveHere(first: Handler | Options, second?: Handler | Options) {
  const [handler, options] = typeof first === "function"
    ? [first, second as Options | undefined]
    : [(second as Handler | undefined) ?? first.handler, first];
  return serve({
    ...{ onError: options?.onError, signal: options?.signal },
    ...HERE,
    onListen: ({ port }) => say(port),
  }, handler!);
}

/** What serve() of the older standard library is made of. */
function listenHere(): Deno.Listener {
  const listener = listen(HERE);
  say((listener.addr as Deno.NetAddr).port);
  return listener;
}

Object.defineProperty(Deno, "listen", { value: listenHere, configurable: true, writable: true });
Object.defineProperty(Deno, "serve", { value: serveHere, configurable: true, writable: true });
Object.defineProperty(globalThis, "EdgeRuntime", {
  // Nothing here ends a process that is idle, so there is nothing to hold up.
  value: {
    waitUntil<T>(promise: Promise<T>): Promise<T> {
      promise.catch((error) => console.error(error));
      return promise;
    },
  },
  configurable: true,
});

/** `export default { fetch }`, of which Edge Runtime makes a server. It has been run by then. */
globalThis.addEventListener("load", async () => {
  const { default: server } = await import(Deno.mainModule);
  if (isListening || typeof server?.fetch !== "function") return;
  serveHere((request, info) => server.fetch(request, info));
});
