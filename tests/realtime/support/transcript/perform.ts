/** What is done, and compared, at each kind of step. */
import { compareAnswers } from "./answers.ts";
import { deviate } from "./deviations.ts";
import type { Replay } from "./replay.ts";
import type { Step } from "./steps.ts";

type StepOf<K extends Step["kind"]> = Extract<Step, { kind: K }>;
type Closing = StepOf<"close">;

/** Takes the first of the steps, and returns how many it took: sockets may close together. */
export async function perform(replay: Replay, steps: Step[]): Promise<number> {
  const [step] = steps;
  switch (step.kind) {
    case "heading":
      replay.heading = step.text;
      break;
    case "send": {
      const frame = replay.cues.rewrite?.[step.line]?.(step.frame) ?? step.frame;
      await replay.send(step.socket, frame);
      break;
    }
    case "receive":
      replay.expect(step.socket, ...deviate(replay.deviations, step.line, step.frame));
      break;
    case "sql":
      await checkSql(replay, step);
      break;
    case "opened":
    case "refused":
      await checkHandshake(replay, step);
      break;
    case "request":
      await replay.company.arrive();
      replay.answer = await replay.stage.ask(await replay.filled(step.request));
      break;
    case "http":
      await checkRequest(replay, step);
      break;
    case "state":
      await checkState(replay, step);
      break;
    case "close": {
      const isOurs = (step: Step): step is Closing => step.kind === "close" && step.code === 1005;
      const end = steps.findIndex((step) => !isOurs(step));
      if (end === 0) await checkClose(replay, step);
      else await closeAll(replay, steps.slice(0, end < 0 ? undefined : end) as Closing[]);
      return end === 0 ? 1 : end < 0 ? steps.length : end;
    }
    case "look":
      await replay.look();
      break;
    case "counts":
      // Whoever knows what was counted has it expected frame by frame.
      requireCue(replay, replay.cues.before?.[step.line]);
  }
  return 1;
}

async function checkSql(replay: Replay, step: StepOf<"sql">) {
  const text = replay.cues.rewrite?.[step.line]?.(step.text) ?? step.text;
  const { notices, error, rows } = await replay.sql(text, step.session);
  const differs = (line: number, what: string, expected?: string, got?: string) => {
    if (expected !== got) replay.differences.push({ line, what, expected, got });
  };
  // Some recordings were made by psql, and others by a driver, which shows rows too.
  const isBrief = /^ERROR \w{5} /.test(step.error?.text ?? "");
  const said = isBrief ? error?.brief : error?.full;
  differs(step.error?.line ?? step.line, "Postgres says", step.error?.text, said);
  if (step.rows) differs(step.rows.line, "Postgres answers", step.rows.text, rows);
  const recorded = step.notices.map(({ text }) => text).join(" | ");
  differs(step.line, "Postgres notices", recorded, notices.join(" | "));
}

async function checkHandshake(replay: Replay, step: StepOf<"opened" | "refused">) {
  const got = await replay.open(step.socket);
  const recorded = step.kind === "refused" ? step.answer : { status: 101, headers: {}, body: "" };
  replay.differences.push(...compareAnswers(step.line, recorded, got));
}

async function checkRequest(replay: Replay, { line, answer }: StepOf<"http">) {
  const { company: { differences }, stage, cues, deviations } = replay;
  await replay.company.arrive();
  const got = replay.answer ?? await stage.ask(
    await replay.filled(requireCue(replay, replay.cue(cues.requests))),
  );
  replay.answer = undefined;
  const [body] = deviate(deviations, line, answer.body);
  const length = String(
    Number(answer.headers["content-length"]) + body.length - answer.body.length,
  );
  const headers = { ...answer.headers, "content-length": length };
  const expected = body === answer.body ? answer : { ...answer, headers, body };
  differences.push(...compareAnswers(line, expected, got));
}

async function checkState(replay: Replay, { socket, open, code }: StepOf<"state">) {
  const { company, cues } = replay;
  const party = socket ? company.find(cues.alias?.[socket] ?? socket) : company.last;
  if (!party) throw new Error(`line ${company.line}: no socket to look at`);
  await company.arrive();
  if (!open) return company.checkEnd(party, code!, "");
  if (!(await company.settle(party))) company.differs(party, "is not open", "open");
}

/** A close that is not the client's, or that is none: a line that the client cuts. */
async function checkClose({ company, cues }: Replay, { socket, code, reason }: Closing) {
  const party = company.find(socket)!;
  if (code === 1006) await company.cut(party);
  // Nothing more is sent to who closes: it would be cut off before its close frame was read.
  await company.arrive(party);
  await company.waitFor(() => !party.isOpen, cues.changes?.idleMs);
  party.stopListening();
  company.checkEnd(party, code, reason);
}

/** Sockets whose ends follow one another were closed at one time. */
async function closeAll({ company }: Replay, closings: Closing[]) {
  const parties = closings.map(({ socket }) => company.find(socket)!);
  // A cue may have closed one before.
  await company.close(parties.filter(({ isListening }) => isListening));
  closings.forEach(({ line, code, reason }, index) => {
    company.line = line;
    company.checkEnd(parties[index], code, reason);
  });
}

function requireCue<T>({ company }: Replay, cue: T | undefined): T {
  if (cue === undefined) throw new Error(`line ${company.line} needs a cue`);
  return cue;
}
