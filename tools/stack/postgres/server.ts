import { lines } from "../lines.ts";
import { type Account } from "./account.ts";
import { runAs } from "./cluster.ts";
import { freePort } from "./free_port.ts";

/** A postmaster that accepts connections on 127.0.0.1. */
interface Server {
  port: number;
  exited: Promise<number>;
  stop(): Promise<void>;
  kill(): void;
}

interface ServerOptions {
  program: string;
  directory: string;
  account: Account | undefined;
  port: number | undefined;
  /** Where no port is asked for: this one, if it is free. */
  preferredPort: number | undefined;
  settings: Record<string, string> | undefined;
}

// A server that has not said within a minute that it is ready will not: recovery after a crash
// takes seconds on the data of a development machine.
const READY_MS = 60_000;
// Another process may take the port between our look and Postgres' bind, or the last workers of
// a killed server may still hold shared memory: 5 s of trying covers both.
const ATTEMPTS = 20;
const RETRY_MS = 250;
const PASSING = /pre-existing shared memory|could not bind/;
// A fast shutdown waits for clients that stream the WAL; after this they are cut off.
const STOP_MS = 10_000;
// What is kept of the server's log for an error message; a line can hold a whole statement.
const LOG_LINES = 10;
const LINE_CHARACTERS = 500;

const SETTINGS: Record<string, string> = {
  listen_addresses: "127.0.0.1",
  // No socket file: its path is bounded to about 100 characters, and everything here uses TCP.
  unix_socket_directories: "",
  wal_level: "logical",
  max_wal_senders: "20",
  max_replication_slots: "40",
  // A slot that nobody reads must not fill the disk of a developer's machine.
  max_slot_wal_keep_size: "2GB",
  shared_buffers: "64MB",
  timezone: "UTC",
  log_timezone: "UTC",
  log_checkpoints: "off",
};

/** Starts a server on an existing cluster and waits until it accepts connections. */
export async function startServer(options: ServerOptions): Promise<Server> {
  for (let attempt = 1;; attempt++) {
    const port = options.port ?? freePort(options.preferredPort);
    const child = spawn(options, port);
    stopWithUs(child);
    const refusal = await untilReady(child);
    if (refusal === undefined) return { port, ...control(child) };
    if (!PASSING.test(refusal) || attempt === ATTEMPTS) {
      throw new Error(`Postgres did not start:\n${refusal}`);
    }
    await new Promise((wake) => setTimeout(wake, RETRY_MS));
  }
}

function spawn({ program, directory, account, settings }: ServerOptions, port: number) {
  const all = Object.entries({ ...SETTINGS, ...settings, port: String(port) });
  return new Deno.Command(program, {
    args: ["-D", directory, ...all.flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    // Its own process group: Ctrl-C in a terminal reaches the stack alone, which stops the
    // consumers of the WAL before the server.
    detached: true,
    ...runAs(account),
  }).spawn();
}

/** Undefined when the server is ready, else the last lines it logged. Reads on until it ends. */
function untilReady(child: Deno.ChildProcess): Promise<string | undefined> {
  const last: string[] = [];
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      last.push(`not ready within ${READY_MS / 1000} s`);
    }, READY_MS);
    const read = async () => {
      for await (const line of lines(child.stderr)) {
        last.push(line.slice(0, LINE_CHARACTERS));
        last.splice(0, last.length - LOG_LINES);
        if (line.includes("ready to accept connections")) {
          clearTimeout(timer);
          resolve(undefined);
        }
      }
    };
    read().finally(() => {
      clearTimeout(timer);
      resolve(last.join("\n"));
    });
  });
}

function control(child: Deno.ChildProcess): Omit<Server, "port"> {
  let running = true;
  const exited = child.status.then(({ code }) => {
    running = false;
    return code;
  });
  const signal = (name: Deno.Signal, pid = child.pid) => {
    try {
      if (running) Deno.kill(pid, name);
    } catch (error) {
      // It ended a moment ago: that is what a signal is for.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  };
  return {
    exited,
    async stop() {
      signal("SIGINT");
      const timer = setTimeout(() => signal("SIGQUIT"), STOP_MS);
      await exited;
      clearTimeout(timer);
    },
    kill: () => signal("SIGKILL", -child.pid),
  };
}

/**
 * Stops the server when this process is gone, `kill -9` included, which Postgres would survive:
 * a shell waits for the end of its stdin, whose other end the kernel closes when we die.
 */
function stopWithUs(server: Deno.ChildProcess): void {
  const guard = new Deno.Command("/bin/sh", {
    args: ["-c", 'read -r _; kill -INT "$1"', "sh", String(server.pid)],
    cwd: "/",
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  guard.unref();
  server.status.then(() => guard.kill("SIGKILL")).catch(() => {
    // The guard was gone before the server: then nothing is left to stop.
  });
}
