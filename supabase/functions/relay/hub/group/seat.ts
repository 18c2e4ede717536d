import type { Batch } from "../../peer/batch.ts";
import type { Reader } from "../../realtime/dial.ts";
import type { RelayError } from "../../errors.ts";
import type { Message } from "../../runtime.ts";

/** A viewer's place in a group. */
export interface Seat {
  /** The refs of the viewer's own join, as JSON text; its channel's is the join_ref, or none. */
  readonly joinRef: string;
  readonly ref: string;
  /** Where in the group's log stands what it gets next. */
  cursor: number;
  /** How its client reads; undefined where it cannot be made to wait. */
  readonly reader: Reader | undefined;
  /** Its client takes several frames in a message. */
  readonly takesBatches: boolean;
  /** Takes what is for the viewer. Never throws. */
  receive(message: Message): void;
  receiveBatch(batch: Batch): void;
  /** Takes the last frame: Realtime has closed the channel, or refused it. */
  dismiss(message: string): void;
  /** Nobody can say whether it may join: it is to ask by a socket of its own. */
  turnAway(): void;
  /** Its client does not read. */
  cut(): void;
  /** The group is lost for good. */
  lose(error: RelayError): void;
}
