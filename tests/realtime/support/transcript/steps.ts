/** Reads a recorded conversation: from its lines to the steps that a replay takes. */
import { Buffer } from "node:buffer";
import { NOTES } from "./notes.ts";

/** A frame as the recordings write it: a text as it was, binary as `BIN` and its bytes in hex. */
export type Frame = string;

/** A line of the recording, by its number, and what it says. */
export interface Said {
  line: number;
  text: string;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export interface Post {
  method: "POST";
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

export type Step =
  & { line: number }
  & (
    | { kind: "heading"; text: string }
    | { kind: "send" | "receive"; socket: string; frame: Frame }
    | { kind: "opened"; socket: string }
    | { kind: "refused"; socket: string; answer: Answer }
    /** A request; its answer comes with the next step of kind `http`. */
    | { kind: "request"; request: Post }
    | { kind: "http"; answer: Answer }
    | { kind: "close"; socket: string; code: number; reason: string }
    /** Whether a socket was found open; without a name, the one that was used last. */
    | { kind: "state"; socket?: string; open: boolean; code?: number }
    | { kind: "sql"; session?: string; text: string; notices: Said[]; error?: Said; rows?: Said }
    /** Replies of one form, and how many of them came. */
    | { kind: "counts"; counts: Record<string, number> }
    /** The server looked at the publication. */
    | { kind: "look" }
    | { kind: "note"; text: string }
  );

/** The steps of a recording, in its order; throws on a line that it does not understand. */
export function readSteps(recording: string): Step[] {
  const lines = new Lines(recording);
  const steps: Step[] = [];
  while (!lines.atEnd) {
    const step = readStep(lines, steps.at(-1));
    if (step) steps.push(step);
  }
  return steps;
}

class Lines {
  #lines: string[];
  number = 0;
  constructor(text: string) {
    this.#lines = text.split("\n");
  }
  get atEnd() {
    return this.number >= this.#lines.length;
  }
  peek() {
    return this.#lines[this.number];
  }
  next() {
    return this.#lines[this.number++];
  }
  /** The lines up to one that is `last`, which is read too. */
  until(last: string): string[] {
    const start = this.number;
    while (!this.atEnd && this.next() !== last);
    return this.#lines.slice(start, this.number - 1);
  }
}

const FORMS: [RegExp, (match: string[], line: number, lines: Lines) => Step][] = [
  [/^### (.*)$/, ([text], line) => ({ line, kind: "heading", text })],
  [
    /^\[(\w+)\] \+\d+ms (->|<-) (.*)$/,
    ([socket, arrow, text], line) => {
      const frame = text.startsWith("BIN ") ? text.split(" | ")[0] : text;
      return { line, kind: arrow === "->" ? "send" : "receive", socket, frame };
    },
  ],
  [
    /^\[(\w+)\] \+\d+ms CLOSE code=(\d+) reason="(.*)"$/,
    ([socket, code, reason], line) => ({ line, kind: "close", socket, code: +code, reason }),
  ],
  [/^\[(\w+)\] 101 headers=\{.*\}$/, ([socket], line) => ({ line, kind: "opened", socket })],
  [
    /^\[(\w+)\] HTTP (\d+) .*? headers=(\{.*?\}) body=(".*")$/,
    ([socket, ...parts], line) => ({ line, kind: "refused", socket, answer: answer(parts) }),
  ],
  [
    /^\[(\w+)\] HTTP (\d+) (\{.*\})$/,
    ([socket, status, body], line) => {
      // The headers are not told: all refusals with a body have these.
      const told = {
        "content-type": "application/json; charset=utf-8",
        "content-length": String(Buffer.byteLength(body)),
      };
      return {
        line,
        kind: "refused",
        socket,
        answer: { status: +status, headers: told, body },
      };
    },
  ],
  [
    /^(?:HTTP|REST) (\d+)(?: (\{.*?\}) (.*))?$/,
    (parts, line) => ({ line, kind: "http", answer: answer(parts) }),
  ],
  [
    /^POST (\S+) content-type: (\S+), authorization: (.+?), body: (.*)$/,
    ([path, ...parts], line) => ({ line, kind: "request", request: post(path, parts) }),
  ],
  [
    /^HTTP (\d+) content-type: (.*?)(?: (\{.*\}))?$/,
    ([status, type, body = ""], line) => {
      // The other headers are not told; those of an empty answer are not compared.
      const length = String(Buffer.byteLength(body));
      const told = { "content-type": type, "content-length": length };
      const headers: Record<string, string> = type.trim() ? told : {};
      return { line, kind: "http", answer: { status: +status, headers, body } };
    },
  ],
  [/^HTTP\/1\.1 (\d+) /, ([status], line, lines) => ({ line, ...readBlock(+status, lines) })],
  [/^ +waiting (?:for|until) /, (_, line) => ({ line, kind: "look" })],
  [
    /^ *(?:state )?(?:(\w+) )?open\? (?:(true)(?: undefined)?|false \[ (\d+), '' \])$/,
    ([socket, open, code], line) => ({
      line,
      kind: "state",
      socket: socket as string | undefined,
      open: open === "true",
      code: code ? +code : undefined,
    }),
  ],
  [
    /^SQL(?: \(session (\w+)\))?: (.*)$/,
    ([session, text], line) => ({ line, kind: "sql", session, text, notices: [] }),
  ],
  [
    /^\{$/,
    (_, line, lines) => {
      const counts = JSON.parse(`{${lines.until("}").join("")}}`);
      return { line, kind: "counts", counts };
    },
  ],
];

function readStep(lines: Lines, last: Step | undefined): Step | undefined {
  const text = lines.next();
  const line = lines.number;
  if (text.trim() === "") return undefined;
  if (last?.kind === "sql") {
    const [, notice, error] = /^NOTICE: {2}(.*)$|^SQL answer: (.*)$/.exec(text) ?? [];
    if (notice !== undefined) return void last.notices.push({ line, text: notice });
    if (error?.startsWith("[")) return void (last.rows = { line, text: error });
    if (error !== undefined) return void (last.error = { line, text: error });
  }
  for (const [form, make] of FORMS) {
    const match = form.exec(text);
    if (match) return make(match.slice(1), line, lines);
  }
  if (NOTES.some((note) => note.test(text))) return { line, kind: "note", text };
  throw new Error(`line ${line} is of no known form: ${text.slice(0, 100)}`);
}

/** A body is either a JSON string or, in some places, the body itself. */
function answer([status, headers = "{}", body = ""]: string[]): Answer {
  return {
    status: Number(status),
    headers: JSON.parse(headers),
    body: body.startsWith('"') ? JSON.parse(body.endsWith('"') ? body : body + '"') : body,
  };
}

function post(path: string, [type, authorization, text]: string[]): Post {
  const body = text.startsWith("BIN ") ? Buffer.from(text.slice(4), "hex") : text;
  return { method: "POST", path, headers: { "content-type": type, authorization }, body };
}

/** The lines after a status line: headers, an empty line, the body. */
function readBlock(status: number, lines: Lines): { kind: "http"; answer: Answer } {
  const headers = Object.fromEntries(lines.until("").map((line) => line.split(": ")));
  return { kind: "http", answer: { status, headers, body: lines.atEnd ? "" : lines.next() } };
}
