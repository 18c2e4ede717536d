/** The sockets of a conversation, and the waiting for what they are to receive. */
import type { Difference } from "./compare.ts";
import { Party } from "./party.ts";
import { RawSocket } from "./raw_socket.ts";
import type { Answer, Frame } from "./steps.ts";
import { Wait } from "./wait.ts";

/** Once something failed to come, more will: the rest is waited for less long. */
const SHORT_DEADLINE_MS = 500;

export class Company {
  /** In the order of their opening; a name may come again. */
  readonly parties: Party[] = [];
  /** The one that was opened or spoke last. */
  last?: Party;
  readonly differences: Difference[] = [];
  /** The line of the recording that is being replayed. */
  line = 0;
  #wait = new Wait();

  /**
   * Waits so many ms for what is to come; that only fails a replay. `prove` is settled when the
   * database has nothing more to tell. `busy` are the names of those that get no answer in time.
   */
  constructor(
    readonly url: string,
    private deadline: number,
    readonly busy: string[],
    readonly prove: () => Promise<void>,
  ) {}

  /** Opens a socket under a name; the answer alone if it is refused. */
  async open(
    name: string,
    vsn: string,
    request: { path: string; headers: Record<string, string> },
  ): Promise<Answer> {
    const { path, headers } = request;
    const { answer, socket } = await RawSocket.open(this.url, path, headers, this.#wait.wake);
    const isBusy = this.busy.includes(name);
    if (socket) this.parties.push(this.last = new Party(name, socket, vsn, isBusy));
    return answer;
  }

  /** The socket that has this name now, or had it last. */
  find(name: string): Party | undefined {
    return this.parties.findLast((party) => party.name === name);
  }

  /** Sends after everything that comes before it in the recording. */
  async send(party: Party, frame: Frame) {
    await this.arrive(party);
    this.last = party;
    await party.send(frame);
  }

  /**
   * Waits for all frames that the recording has up to here, and until the server has handled all
   * that was sent, but for what the next sender sent itself.
   */
  async arrive(sender?: Party) {
    await this.prove();
    for (const party of this.parties) {
      if (party !== sender && party.unproven) await this.settle(party);
    }
    const everybody = () => this.parties.every((party) => party.hasAll || !party.isOpen);
    await this.waitFor(everybody);
  }

  /** Waits until all that a socket sent has been handled, and what came of it has arrived. */
  async settle(party: Party): Promise<boolean> {
    if (!party.isOpen) return false;
    const { isAnswered } = await party.heartbeat();
    await this.waitFor(() => isAnswered() || !party.isOpen);
    party.unproven = false;
    return isAnswered();
  }

  /** Whether it came true in time. `more` is how long it may take by itself. */
  async waitFor(passes: () => boolean, more = 0): Promise<boolean> {
    const came = await this.#wait.until(passes, this.deadline + more);
    if (!came) this.deadline = SHORT_DEADLINE_MS;
    return came;
  }

  /** Closes sockets at one time, after everything before has come. */
  async close(parties: Party[]) {
    await this.arrive();
    for (const party of parties) {
      if (!party.isOpen) this.differs(party, "was closed by the server", "open");
      else if (!(await this.settle(party))) this.differs(party, "answers no heartbeat");
    }
    for (const party of parties) party.stopListening();
    await Promise.all(parties.map(({ socket }) => socket.close()));
  }

  /** Lets a socket go without a close frame. */
  async cut(party: Party) {
    await this.arrive();
    party.stopListening();
    await party.socket.cut();
  }

  /** Compares how a socket ended. */
  checkEnd(party: Party, code: number, reason: string) {
    const expected = `${code} "${reason}"`;
    const got = party.socket.end && `${party.socket.end.code} "${party.socket.end.reason}"`;
    if (got !== expected) this.differs(party, "is closed", expected, got ?? "open");
  }

  differs({ name, socket: { end } }: Party, what: string, expected?: string, got?: string) {
    got ??= end ? `${end.code} "${end.reason}"` : undefined;
    this.differences.push({ line: this.line, socket: name, what, expected, got });
  }
}
