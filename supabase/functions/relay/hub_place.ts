import type { RelayError } from "./errors.ts";
import type { Group, Seat } from "./hub_group.ts";
import type { Viewer } from "./hub_viewer.ts";
import type { Frame } from "./phoenix.ts";
import type { Message } from "./runtime.ts";

/** A viewer's seat in a group, with the refs of the join that took it. */
export class Place implements Seat {
  group: Group | undefined;
  /** The join without its payload, which the group has. */
  readonly frame: Frame;

  /** `old` is the join of the same topic that this one replaces: its channel ends with the answer. */
  constructor(readonly viewer: Viewer, join: Frame, public old: Frame | undefined) {
    this.frame = { ...join, payload: undefined };
  }

  get joinRef(): string {
    return JSON.stringify(this.frame.join_ref ?? null);
  }

  get ref(): string {
    return JSON.stringify(this.frame.ref ?? null);
  }

  get channelRef(): string {
    return JSON.stringify(this.frame.join_ref ?? this.frame.ref ?? null);
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
