import type { Frame, Ref } from "./phoenix.ts";

/** A join that went upstream; `isThere` once Realtime has let it in. */
interface Join {
  ref: Ref;
  joinRef: Ref;
  isThere: boolean;
}

/**
 * The joins of one topic that Realtime has a channel for, or may have soon, as its answers and ends
 * tell. A join kills the channel that it replaces, and is answered before what that one had sent, which
 * waits in the socket's process, and before its end (`handle_in` of Phoenix.Socket).
 */
export class Standing {
  #joins: Join[] = [];
  #newest: Join | undefined;

  /** Of more joins than `most` the oldest are forgotten. */
  constructor(readonly most: number) {}

  add({ ref = null, join_ref = null }: Frame): void {
    this.#newest = { ref, joinRef: join_ref, isThere: false };
    this.#joins.push(this.#newest);
    if (this.#joins.length > this.most) this.#joins.shift();
  }

  /** The newest is left: it too is there until its end is told. */
  leave(): void {
    this.#newest = undefined;
  }

  /** True where another join than the newest is not over. */
  get hasOlder(): boolean {
    return this.#joins.some((join) => join !== this.#newest);
  }

  get isEmpty(): boolean {
    return this.#joins.length === 0;
  }

  answered(ref: Ref, isOk: boolean): void {
    const join = this.#joins.find((it) => !it.isThere && it.ref === ref);
    if (!join) return;
    // Joins are answered in their order: what was asked before it will not be.
    const at = this.#joins.indexOf(join);
    this.#joins = this.#joins.filter((it, place) => it.isThere || place >= at);
    join.isThere = true;
    if (!isOk) this.#end(join);
  }

  ended(joinRef: Ref): void {
    this.#end(this.#joins.find((it) => it.isThere && it.joinRef === joinRef));
  }

  #end(join: Join | undefined): void {
    this.#joins = this.#joins.filter((it) => it !== join);
  }
}
