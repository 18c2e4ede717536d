/** Subscribes channels to the tables that are published now, and again when those change. */
import { type Binding, readBinding, SubscribeError } from "../bindings/bindings.ts";
import { FilterError } from "../bindings/filter.ts";
import { resolve } from "../bindings/resolve.ts";
import type { Database } from "../database/database.ts";
import type { Audiences, Subscriber } from "./audiences.ts";

/** A restarting Postgres is back within a second; one that is gone is not asked in a hurry. */
const RETRY_MS = { first: 100, most: 5_000 };

export class Subscriptions {
  /** What was asked last for a subscriber: one thing after the other. */
  #adding = new WeakMap<Subscriber, Promise<void>>();
  #published?: string;

  constructor(
    readonly database: Database,
    readonly publication: string,
    readonly audiences: Audiences,
  ) {}

  /**
   * Subscribes a channel, in place of what it had, and says so or why not in a system message.
   * Until the new subscription stands the old one does, so that nothing falls between. A database
   * that cannot be reached is asked again for as long as the channel is open.
   */
  add(subscriber: Subscriber): Promise<void> {
    const before = this.#adding.get(subscriber) ?? Promise.resolve();
    const added = before.then(() => this.#add(subscriber));
    this.#adding.set(subscriber, added);
    return added;
  }

  /** Adds everybody anew if the published tables are not what they were. */
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
    if (changed) await Promise.all(this.audiences.subscribers.map((one) => this.add(one)));
  }

  async #add(subscriber: Subscriber) {
    for (let wait = RETRY_MS.first; subscriber.isOpen; wait = Math.min(2 * wait, RETRY_MS.most)) {
      try {
        const found = await this.#resolve(subscriber);
        if (!subscriber.isOpen) return;
        this.audiences.set(subscriber, found);
        return subscriber.system("postgres_changes", "ok", "Subscribed to PostgreSQL");
      } catch (error) {
        if (error instanceof SubscribeError || error instanceof FilterError) {
          this.audiences.delete(subscriber);
          if (subscriber.isOpen) subscriber.system("postgres_changes", "error", error.message);
          return;
        }
        this.database.log({ event: "subscribe_failed", reason: String(error) });
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  async #resolve(subscriber: Subscriber): Promise<[Binding, number[]][]> {
    const found: [Binding, number[]][] = [];
    for (const binding of subscriber.bindings.map(readBinding)) {
      const { role } = subscriber.identity;
      found.push([binding, await resolve(this.database, this.publication, binding, role)]);
    }
    return found;
  }
}
