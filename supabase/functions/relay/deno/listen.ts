import type { LogLine } from "../runtime.ts";

/** How soon the relay takes connections again. */
const LOOK_MS = 1_000;

export interface ListenOptions {
  hostname: string;
  /** 0 takes any free port. */
  port: number;
  /** Told the port each time that listening begins. */
  onListen(port: number): void;
  log(line: LogLine): void;
}

/**
 * Serves for as long as the process lives. Deno gives a listener up for good where it cannot accept,
 * as when all descriptors are taken, and ends the process by an unhandled rejection; what is open goes
 * on. So another one begins on the same port within a second. Deno 2.9 tells the loss at once, 2.1
 * only when the last connection has gone: a listener that is there is known by its port being taken.
 * Throws where the first one cannot begin.
 */
export function listen(
  { hostname, port, onListen, log }: ListenOptions,
  handler: (request: Request) => Promise<Response>,
): void {
  const begin = () => {
    const server = Deno.serve({
      hostname,
      port,
      onListen(address) {
        port = address.port;
        onListen(port);
      },
    }, handler);
    server.finished.catch(({ message }) => log({ event: "listener_lost", cause: message }));
  };
  begin();
  setInterval(() => {
    try {
      begin();
    } catch {
      // It is there, or there is still no descriptor for one.
    }
  }, LOOK_MS);
}
