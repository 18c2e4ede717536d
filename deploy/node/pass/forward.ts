import { once } from "node:events";
import {
  Agent as PlainAgent,
  type IncomingMessage,
  request as plainRequest,
  type ServerResponse,
} from "node:http";
import { Agent, request as secureRequest } from "node:https";
import type { Socket } from "node:net";
import { pipeline } from "node:stream";
import type { Config } from "../../../supabase/functions/relay/config/config.ts";
import { addressOf } from "../../../supabase/functions/relay/door/address.ts";
import { RelayError, toRelayError } from "../../../supabase/functions/relay/errors.ts";
import type { LogLine } from "../../../supabase/functions/relay/runtime.ts";
import { type Caller, Cookies, towardsClient, towardsProject } from "../../pass/headers.ts";
import { callerOf, Judge, passLine } from "../../pass/judge.ts";
import { headersOf, MAX_HEAD_BYTES } from "../http/request.ts";

/** Whatever does not answer by then is down: hosted functions have 150 s. */
const ANSWER_MS = 160_000;

/** A body or an answer in which nothing moves for so long is given up. */
const IDLE_MS = 600_000;

/** Of the connections to the project one address has this part at most; a page asks for a few at once. */
const SHARE = 1 / 4;
const LEAST_SHARE = 16;

/** Passes requests on to the project, byte for byte, both ways without holding them. */
export class Forwarder {
  readonly #cookies = new Cookies();
  /** Requests that are under way, by address. */
  readonly #underWay = new Map<string, number>();
  readonly #mostOfOne: number;
  readonly #judge: Judge;
  readonly #project: URL;
  readonly #agent: PlainAgent;
  readonly #request: typeof plainRequest;

  /** `passes`: connections to the project at a time; whoever comes beyond waits for one. */
  constructor(readonly config: Config, passes: number, readonly log: (line: LogLine) => void) {
    this.#judge = new Judge(config);
    this.#mostOfOne = Math.max(LEAST_SHARE, SHARE * passes);
    this.#project = config.supabaseUrl;
    const isSecure = this.#project.protocol === "https:";
    const options = { keepAlive: true, maxSockets: passes };
    this.#agent = isSecure ? new Agent(options) : new PlainAgent(options);
    this.#request = isSecure ? secureRequest as typeof plainRequest : plainRequest;
  }

  /** Resolves when the answer is out. Throws a RelayError where none was begun. */
  async forward(message: IncomingMessage, to: ServerResponse, hasPages: boolean): Promise<void> {
    await turnOf(to);
    const start = performance.now();
    const { method = "", url: target = "" } = message;
    let status = 0;
    let leave = () => {};
    try {
      const headers = headersOf(message);
      this.#judge.check(target, headers);
      const { trustedProxies } = this.config;
      const address = addressOf(headers, trustedProxies);
      if (address !== undefined) leave = this.#enter(address);
      const caller = callerOf(headers, trustedProxies, itself(message));
      const answer = await this.#ask(message, to, caller);
      status = answer.statusCode ?? 502;
      const lines = towardsClient(answer.rawHeaders, this.#project, hasPages, this.#cookies).flat();
      to.writeHead(status, answer.statusMessage, lines);
      await stream(answer, to);
    } catch (thrown) {
      status = toRelayError(thrown).status;
      throw thrown;
    } finally {
      leave();
      this.log(passLine(method, target, status, performance.now() - start));
    }
  }

  /** Throws `too_many_handshakes` where the address has its share under way; returns how it leaves. */
  #enter(address: string): () => void {
    const count = this.#underWay.get(address) ?? 0;
    if (count >= this.#mostOfOne) {
      throw new RelayError("too_many_handshakes", "Too much of this address is under way.");
    }
    this.#underWay.set(address, count + 1);
    return () => {
      const left = this.#underWay.get(address)! - 1;
      if (left > 0) this.#underWay.set(address, left);
      else this.#underWay.delete(address);
    };
  }

  #ask(message: IncomingMessage, to: ServerResponse, caller: Caller): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const { hostname, port, pathname } = this.#project;
    const asking = this.#request({
      ...{ hostname, port, agent: this.#agent, method: message.method },
      // As it came: what is parsed and printed again may be another path.
      path: pathname.replace(/\/$/, "") + message.url,
      headers: [
        ...towardsProject(message.rawHeaders, this.#project, caller, this.#cookies).flat(),
        ...framing(message),
      ],
      setHost: false,
      maxHeaderSize: MAX_HEAD_BYTES,
    });
    // Node leaves out what comes behind 1,000 lines.
    asking.maxHeadersCount = 0;
    asking.once("socket", (socket) => void (asking.reusedSocket || readOn(socket)));
    const fail = (code: "upstream_timeout" | "upstream_refused", why: string, cause?: Error) => {
      clearTimeout(late);
      reject(new RelayError(code, `The project did not answer: ${why}.`, { cause }));
    };
    // Of one that waits for a connection Node tells no end before it would have one.
    const late = setTimeout(() => {
      fail("upstream_timeout", "no answer in time");
      asking.destroy();
    }, ANSWER_MS);
    asking.once("response", (answer) => {
      clearTimeout(late);
      resolve(answer);
    });
    asking.on("error", (cause) => fail("upstream_refused", cause.message, cause));
    message.setTimeout(IDLE_MS, () => (to.closed ? message : asking).destroy());
    to.once("close", () => {
      // Nobody waits for the answer any more, or brings the rest of the body.
      asking.destroy();
      fail("upstream_refused", "its client has left");
      // Or it is out before all of the body came, behind which the next request stands.
      message.unpipe(asking).resume();
    });
    message.pipe(asking);
    return promise;
  }
}

/**
 * A write that fails ends a socket of Node's, with what has come and nobody has read. A project that
 * refuses a body before its end may close behind its answer: what is read then tells what became of it.
 */
function readOn(socket: Socket): void {
  const { _write: write, _writev: writev } = socket;
  socket._write = (piece, encoding, done) => write.call(socket, piece, encoding, () => done());
  socket._writev = (pieces, done) => writev!.call(socket, pieces, () => done());
}

/**
 * Of a body without a length. Node frames none by itself for GET, HEAD, DELETE and OPTIONS, and would
 * write it behind the head as it is, where the project reads the next request. It takes no other coding
 * off than this one, so what came in two would arrive as something else (RFC 9112, 6.1).
 */
function framing({ headers }: IncomingMessage): string[] {
  const coding = headers["transfer-encoding"]?.toLowerCase();
  if (coding === undefined) return [];
  if (coding === "chunked") return ["transfer-encoding", coding];
  throw new RelayError("bad_request", "A body in another transfer coding than chunked stays here.");
}

const itself = ({ headers, socket }: IncomingMessage): Caller => ({
  address: socket.remoteAddress,
  host: headers.host ?? "",
  protocol: "http",
});

/**
 * Of requests that came at once on one connection the next goes on when the one before is answered.
 * An answer whose turn never came is not closed either: nobody would tell that its client has left.
 */
async function turnOf(to: ServerResponse): Promise<void> {
  if (!to.socket) await once(to, "socket");
}

function stream(from: IncomingMessage, to: ServerResponse): Promise<void> {
  from.setTimeout(IDLE_MS, () => from.destroy());
  // Events are sent as they come, and not when the next ones fill a packet.
  to.flushHeaders();
  return new Promise((resolve) => pipeline(from, to, () => resolve()));
}
