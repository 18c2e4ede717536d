import type { RelayError } from "./errors.ts";
import type { Group, Seat } from "./hub_group.ts";
import type { Viewer } from "./hub_viewer.ts";
import type { Frame } from "./phoenix.ts";
import type { Message } from "./runtime.ts";

/** A viewer's seat in a group, with the refs of the join that took it. */
export class Place implements Seat {
  readonly joinRef: string;
  readonly ref: string;
  readonly channelRef: string;
  group: Group | undefined;
  /** The join without its payload, which the group has. */
  readonly frame: Frame;

  /** `old` is the join of the same topic that this one replaces: its channel ends with the answer. */
  constructor(readonly viewer: Viewer, join: Frame, public old: Frame | undefined) {
    const frame = this.frame = { ...join, payload: undefined };
    this.joinRef = JSON.stringify(frame.join_ref ?? null);
    this.ref = JSON.stringify(frame.ref ?? null);
    this.channelRef = JSON.stringify(frame.join_ref ?? frame.ref ?? null);
  }

  get topic(): string {
    return this.frame.topic;
  }

  /** True once the join was answered. */
  get isMember(): boolean {
    return this.group?.members.has(this) ?? false;
  }

  receive(message: Message): void {
    this.viewer.received(this, message);
    if (this.old) this.#replaceOld();
  }

  dismiss(message: string): void {
    this.viewer.dismissed(this, message);
    if (this.old) this.#replaceOld();
  }

  lose(error: RelayError): void {
    this.viewer.fail(error);
  }

  #replaceOld(): void {
    this.viewer.closeChannel(this.old!);
    this.old = undefined;
  }
}
