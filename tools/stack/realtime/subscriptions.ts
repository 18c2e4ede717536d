/** Which channel listens to which table, and the groups that the database is asked about. */
import { type Binding, readBinding, resolve, SubscribeError } from "./bindings.ts";
import type { Channel } from "./channel.ts";
import type { Database } from "./database.ts";
import { FilterError } from "./filter.ts";
import type { Group } from "./visibility.ts";

/** A member of a group: the channel, and the binding's id with its place in the join. */
export interface Listener {
  channel: Channel;
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

/** A restarting Postgres is back within a second; one that is gone is not asked in a hurry. */
const RETRY_MS = { first: 100, most: 5_000 };

export class Subscriptions {
  /** By the table's oid and by what makes a group. */
  #tables = new Map<number, Map<string, Audience>>();
  /** By the group's index. */
  #audiences = new Map<number, Audience>();
  /** Where a channel is listening. */
  #channels = new Map<Channel, [Audience, Listener][]>();
  /** What was asked last for a channel: one thing after the other. */
  #adding = new WeakMap<Channel, Promise<void>>();
  #published?: string;
  #nextGroup = 0;

  constructor(readonly database: Database, readonly publication: string) {}

  /**
   * Subscribes a channel, in place of what it had, and says so or why not in a system message.
   * Until the new subscription stands the old one does, so that nothing falls between. A database
   * that cannot be reached is asked again for as long as the channel is open.
   */
  add(channel: Channel): Promise<void> {
    const before = this.#adding.get(channel) ?? Promise.resolve();
    const added = before.then(() => this.#add(channel));
    this.#adding.set(channel, added);
    return added;
  }

  async #add(channel: Channel) {
    for (let wait = RETRY_MS.first; channel.isOpen; wait = Math.min(2 * wait, RETRY_MS.most)) {
      try {
        const found = await this.#resolve(channel);
        return this.#replace(channel, found);
      } catch (error) {
        if (error instanceof SubscribeError || error instanceof FilterError) {
          this.delete(channel);
          if (channel.isOpen) channel.system("postgres_changes", "error", error.message);
          return;
        }
        this.database.log({ event: "subscribe_failed", reason: String(error) });
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  #replace(channel: Channel, found: [Binding, number[]][]) {
    this.delete(channel);
    if (!channel.isOpen) return;
    const places = found.flatMap(([binding, oids], place) =>
      oids.map((oid) => this.#listen(oid, binding, { channel, id: binding.id, place }))
    );
    this.#channels.set(channel, places);
    channel.system("postgres_changes", "ok", "Subscribed to PostgreSQL");
  }

  delete(channel: Channel) {
    for (const [{ oid, key, group, listeners }, listener] of this.#channels.get(channel) ?? []) {
      listeners.delete(listener);
      if (listeners.size > 0) continue;
      const table = this.#tables.get(oid);
      table?.delete(key);
      if (table?.size === 0) this.#tables.delete(oid);
      this.#audiences.delete(group.index);
    }
    this.#channels.delete(channel);
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

  listeners(group: number): Iterable<Listener> {
    return this.#audiences.get(group)?.listeners ?? [];
  }

  async lookAtPublication() {
    const { sql } = this.database;
    const [{ tables }] = await sql`
      select coalesce(string_agg(c.oid || ' ' || schemaname || '.' || tablename, ','
        order by c.oid), '') as tables
      from pg_publication_tables join pg_class c on relname = tablename
        and relnamespace = quote_ident(schemaname)::regnamespace
      where pubname = ${this.publication}
    `.catch(() => [{ tables: this.#published }]);
    const changed = this.#published !== undefined && this.#published !== tables;
    this.#published = tables;
    if (changed) await Promise.all([...this.#channels.keys()].map((channel) => this.add(channel)));
  }

  async #resolve(channel: Channel): Promise<[Binding, number[]][]> {
    const bindings = channel.config.bindings.map(readBinding);
    const found: [Binding, number[]][] = [];
    for (const binding of bindings) {
      const { role } = channel.identity;
      found.push([binding, await resolve(this.database, this.publication, binding, role)]);
    }
    return found;
  }

  #listen(oid: number, binding: Binding, listener: Listener): [Audience, Listener] {
    const { role, claims } = listener.channel.identity;
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
