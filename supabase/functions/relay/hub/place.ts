import type { RelayError } from "../errors.ts";
import type { Batch } from "../peer/batch.ts";
import type { Reader } from "../realtime/dial.ts";
import type { Frame } from "../realtime/phoenix.ts";
import type { Message } from "../runtime.ts";
import type { Group } from "./group/group.ts";
import type { Seat } from "./group/seat.ts";

/** Whose place it is. */
export interface Sitter {
  /** How its client reads. */
  readonly reader: Reader | undefined;
  readonly takesBatches: boolean;
  /** Takes what the group has for this place. */
  received(place: Place, message: Message): void;
  receivedBatch(batch: Batch): void;
  /** The group's channel is gone; `message` says so. */
  dismissed(place: Place, message: string): void;
  /** The group cannot say whether it may join. */
  turnedAway(place: Place): void;
  /** Takes the end of the channel that this join had. */
  closeChannel(join: Frame): void;
  /** The client does not read. */
  cut(): void;
  /** The group is lost for good. */
  fail(error: RelayError): void;
}

/** A viewer's seat in a group, with the refs of the join that took it. */
export class Place implements Seat {
  group: Group | undefined;
  cursor = 0;
  /** The join without its payload, which the group has. */
  readonly frame: Frame;
  #isInAHurry = false;
  #old: Frame | undefined;

  /** `old` is the join of the same topic that this one replaces: its channel ends with the answer. */
  constructor(readonly viewer: Sitter, join: Frame, old: Frame | undefined) {
    this.#old = old;
    this.frame = { ...join, payload: undefined };
  }

  get joinRef(): string {
    return JSON.stringify(this.frame.join_ref ?? null);
  }

  get ref(): string {
    return JSON.stringify(this.frame.ref ?? null);
  }

  get topic(): string {
    return this.frame.topic;
  }

  get reader(): Reader | undefined {
    return this.#isInAHurry ? undefined : this.viewer.reader;
  }

  get takesBatches(): boolean {
    return !this.#isInAHurry && this.viewer.takesBatches;
  }

  /** True once the join was answered. */
  get isMember(): boolean {
    return this.group?.members.has(this) ?? false;
  }

  /** What waits for it is handed over now, and what comes as it comes. */
  hurry(): void {
    this.#isInAHurry = true;
    this.group?.members.hurry(this);
  }

  receive(message: Message): void {
    this.viewer.received(this, message);
    this.endOld();
  }

  receiveBatch(batch: Batch): void {
    this.viewer.receivedBatch(batch);
  }

  dismiss(message: string): void {
    this.viewer.dismissed(this, message);
    this.endOld();
  }

  turnAway(): void {
    this.viewer.turnedAway(this);
    this.endOld();
  }

  cut(): void {
    this.viewer.cut();
  }

  lose(error: RelayError): void {
    this.viewer.fail(error);
  }

  /** The channel that this join replaced ends: with the answer, or as nobody waits for that any more. */
  endOld(): void {
    if (this.#old) this.viewer.closeChannel(this.#old);
    this.#old = undefined;
  }
}
