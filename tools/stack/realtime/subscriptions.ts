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

interface Table {
  groups: Map<string, Group>;
  /** By the group's index. */
  listeners: Map<number, Listener[]>;
}

/** A restarting Postgres is back within a second; one that is gone is not asked in a hurry. */
const RETRY_MS = { first: 100, most: 5_000 };

export class Subscriptions {
  #tables = new Map<number, Table>();
  /** The channels that are subscribed, with their tables. */
  #channels = new Map<Channel, number[]>();
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
    found.forEach(([binding, oids], place) => {
      for (const oid of oids) this.#listen(oid, binding, { channel, id: binding.id, place });
    });
    this.#channels.set(channel, found.flatMap(([, oids]) => oids));
    channel.system("postgres_changes", "ok", "Subscribed to PostgreSQL");
  }

  delete(channel: Channel) {
    for (const oid of this.#channels.get(channel) ?? []) {
      const table = this.#tables.get(oid);
      for (const [key, { index }] of table?.groups ?? []) {
        const left = table!.listeners.get(index)!.filter((each) => each.channel !== channel);
        table!.listeners.set(index, left);
        if (left.length > 0) continue;
        table!.groups.delete(key);
        table!.listeners.delete(index);
      }
      if (table?.groups.size === 0) this.#tables.delete(oid);
    }
    this.#channels.delete(channel);
  }

  groups(oid: number): Group[] {
    return [...this.#tables.get(oid)?.groups.values() ?? []];
  }

  listeners(oid: number, group: number): Listener[] {
    return this.#tables.get(oid)?.listeners.get(group) ?? [];
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

  #listen(oid: number, binding: Binding, listener: Listener) {
    const table = this.#tables.get(oid) ?? { groups: new Map(), listeners: new Map() };
    this.#tables.set(oid, table);
    const { role, claims } = listener.channel.identity;
    const { event, conditions, select } = binding;
    const key = JSON.stringify([role, claims, event, conditions, select]);
    const group = table.groups.get(key) ??
      { index: this.#nextGroup++, role, claims, event, conditions, select };
    table.groups.set(key, group);
    table.listeners.set(group.index, [...table.listeners.get(group.index) ?? [], listener]);
  }
}
