/** Who listens to which table, in groups of those who are to be told the same. */
import type { Binding } from "../bindings/bindings.ts";
import type { Condition } from "../bindings/filter.ts";
import type { Identity } from "../token.ts";
import type { Outgoing } from "../wire/frame.ts";
import type { JsonObject } from "../wire/json.ts";

/** What changes need of a channel that asked for them. */
export interface Subscriber {
  /** As frames name it. */
  readonly topic: string;
  /** As the client wrote them. */
  readonly bindings: JsonObject[];
  /** Of now: a new token may change it. */
  readonly identity: Identity;
  readonly isOpen: boolean;
  send(frame: Outgoing): void;
  /** Says how a subscription stands. */
  system(extension: "postgres_changes", status: "ok" | "error", message: string): void;
}

/** Everybody who asked for the same changes of a table with the same claims. */
export interface Group {
  index: number;
  role: string;
  claims: string;
  event: string;
  conditions: Condition[];
  select: string[] | null;
}

/** A member of a group: the subscriber, and the binding's id with its place in the join. */
export interface Listener {
  subscriber: Subscriber;
  id: number;
  place: number;
}

/** A group of a table, with all who are in it. */
interface Audience {
  oid: number;
  key: string;
  group: Group;
  listeners: Set<Listener>;
}

export class Audiences {
  /** By the table's oid and by what makes a group. */
  #tables = new Map<number, Map<string, Audience>>();
  /** By the group's index. */
  #audiences = new Map<number, Audience>();
  /** Where a subscriber is listening. */
  #places = new Map<Subscriber, [Audience, Listener][]>();
  #nextGroup = 0;

  /** Lets a subscriber listen to the tables of its bindings, by oid, in place of what it had. */
  set(subscriber: Subscriber, found: [Binding, number[]][]) {
    this.delete(subscriber);
    const places = found.flatMap(([binding, oids], place) =>
      oids.map((oid) => this.#listen(oid, binding, { subscriber, id: binding.id, place }))
    );
    this.#places.set(subscriber, places);
  }

  delete(subscriber: Subscriber) {
    for (const [{ oid, key, group, listeners }, own] of this.#places.get(subscriber) ?? []) {
      listeners.delete(own);
      if (listeners.size > 0) continue;
      const table = this.#tables.get(oid);
      table?.delete(key);
      if (table?.size === 0) this.#tables.delete(oid);
      this.#audiences.delete(group.index);
    }
    this.#places.delete(subscriber);
  }

  /** All who listen to something. */
  get subscribers(): Subscriber[] {
    return [...this.#places.keys()];
  }

  /** Those who listen to a table, as the database is asked about them. */
  groups(oid: number): Group[] {
    return [...this.#tables.get(oid)?.values() ?? []].map(({ group }) => group);
  }

  count(oid: number): number {
    return this.#tables.get(oid)?.size ?? 0;
  }

  /** Whether anybody listens to such changes of a table. */
  wants(oid: number, action: string): boolean {
    for (const { group: { event } } of this.#tables.get(oid)?.values() ?? []) {
      if (event === "*" || event === action) return true;
    }
    return false;
  }

  /** The listeners of these groups whose channels are open. */
  *listeners(groups: number[]): Iterable<Listener> {
    for (const group of groups) {
      for (const listener of this.#audiences.get(group)?.listeners ?? []) {
        if (listener.subscriber.isOpen) yield listener;
      }
    }
  }

  #listen(oid: number, binding: Binding, listener: Listener): [Audience, Listener] {
    const { role, claims } = listener.subscriber.identity;
    const { event, conditions, select } = binding;
    const key = JSON.stringify([role, claims, event, conditions, select]);
    const table = this.#tables.get(oid) ?? new Map<string, Audience>();
    this.#tables.set(oid, table);
    const audience = table.get(key) ?? {
      oid,
      key,
      group: { index: this.#nextGroup++, role, claims, event, conditions, select },
      listeners: new Set(),
    };
    table.set(key, audience);
    this.#audiences.set(audience.group.index, audience);
    audience.listeners.add(listener);
    return [audience, listener];
  }
}
