/** Replays a conversation: does what was done, in order, and holds what comes beside what came. */
import { recorded, replayed } from "./by_nature.ts";
import { Company } from "./company.ts";
import { Comparison, type Difference } from "./compare.ts";
import type { ByPlace, Cues, Opening } from "./cues.ts";
import type { Deviation } from "./deviations.ts";
import { HOST, type Request } from "./http.ts";
import { perform } from "./perform.ts";
import type { SqlAnswer, Stage } from "./stage.ts";
import type { Answer, Frame, Step } from "./steps.ts";
import { fill } from "./tokens.ts";

export interface ReplayOptions {
  stage: Stage;
  steps: Step[];
  cues: Cues;
  deviations: Deviation[];
  /** All that clients and SQL say in this conversation. */
  said: string;
  /** How long to wait for what the recording has, in ms. */
  deadline: number;
}

export class Replay {
  readonly stage: Stage;
  readonly company: Company;
  readonly cues: Cues;
  readonly deviations: Deviation[];
  readonly differences: Difference[] = [];
  /** Of the recorded request that was sent last, until it is compared. */
  answer?: Answer;
  /** The heading that the steps are under. */
  heading = "";
  #steps: Step[];
  #comparison: Comparison;
  #isDirty = false;

  constructor({ stage, steps, cues, deviations, said, deadline }: ReplayOptions) {
    [this.stage, this.#steps, this.cues, this.deviations] = [stage, steps, cues, deviations];
    this.#comparison = new Comparison(recorded(said), replayed(said, stage.start));
    this.company = new Company(stage.realtime.url, deadline, cues.busy ?? [], async () => {
      if (this.#isDirty) await stage.witness.prove();
      this.#isDirty = false;
    });
  }

  /** The differences, by line. */
  async run(): Promise<Difference[]> {
    for (let index = 0; index < this.#steps.length;) {
      const { line, kind } = this.#steps[index];
      this.company.line = line;
      const { before, atHeadings = [] } = this.cues;
      const acts = before?.[line] ?? (kind === "heading" ? atHeadings : []);
      for (const act of acts) await act(this);
      index += await perform(this, this.#steps.slice(index));
      for (const { also } of this.deviations) {
        Object.entries(also?.[line] ?? {}).forEach((more) => this.expect(more[0], ...more[1]));
      }
    }
    await this.company.close(this.company.parties.filter(({ isListening }) => isListening));
    for (const { name, expected, heard } of this.company.parties) {
      this.differences.push(...this.#comparison.frames(name, expected, heard));
    }
    return [...this.differences, ...this.company.differences].sort((a, b) => a.line - b.line);
  }

  /** What a cue says of this place: of the line, what is under the heading, or the socket. */
  cue<T>(cues: ByPlace<T> | undefined, socket = ""): T | undefined {
    return cues?.[this.company.line] ?? cues?.[this.heading] ?? cues?.[socket];
  }

  async sql(text: string, session?: string): Promise<SqlAnswer> {
    await this.company.arrive();
    this.#isDirty = true;
    return await this.stage.sql(text, session);
  }

  /** Sends a frame as it was recorded, on a socket that is opened for it where it is not open. */
  async send(name: string, frame: Frame) {
    const vsn = /^(?:\[|BIN )/.test(frame) ? "2.0.0" : "1.0.0";
    if (!this.company.find(name)?.isListening) await this.open(name, vsn);
    const party = this.company.find(name);
    if (!party) throw new Error(`line ${this.company.line}: the socket of ${name} is refused`);
    await this.company.send(party, await fill(frame, this.cue(this.cues.tokens, name)));
  }

  async open(name: string, vsn = "1.0.0"): Promise<Answer> {
    const opening: Opening = { vsn, apikey: "<ANON>", ...this.cue(this.cues.sockets, name) };
    const query = Object.entries({ apikey: opening.apikey, vsn: opening.vsn })
      .filter(([, value]) => value !== null).map((pair) => pair.join("=")).join("&");
    const request = await this.filled({
      path: `/socket/websocket?${query}`,
      headers: { host: opening.host ?? HOST, ...opening.headers },
    }, name);
    return await this.company.open(name, opening.vsn ?? "1.0.0", request);
  }

  /** A request with tokens in their places. */
  async filled(request: Request, socket?: string) {
    const jwt = this.cue(this.cues.tokens, socket);
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries({ host: HOST, ...request.headers })) {
      headers[name] = await fill(value, jwt);
    }
    return { ...request, path: await fill(request.path, jwt), headers };
  }

  /** What a socket is to receive from here on. */
  expect(name: string, ...frames: Frame[]) {
    const party = this.company.find(name);
    if (!party) throw new Error(`line ${this.company.line}: ${name} was never opened`);
    party.expected.push(...frames.map((frame) => ({ line: this.company.line, frame })));
  }

  /** Sockets close before the recording says that they are closed. */
  async leave(names: string[]) {
    await this.company.close(names.map((name) => this.company.find(name)!));
  }

  async look() {
    await this.company.arrive();
    await this.stage.realtime.lookAtPublication();
  }
}
