/** What the clients of one project share. */
import { type Log, reasonOf } from "../log.ts";
import { Changes } from "./changes/changes.ts";
import { type Database, openDatabase } from "./database/database.ts";
import type { Limits } from "./limits.ts";
import { Rate } from "./rate.ts";
import type { Keys } from "./token.ts";
import { Messages } from "./topics/messages.ts";
import { Presence } from "./topics/presence.ts";
import { Topics } from "./topics/topics.ts";

interface TenantOptions {
  databaseUrl: string;
  keys: Keys;
  limits: Limits;
  /** How long refusals wait: the original slows down who tries again and again. */
  delays: { handshakeMs: number; joinMs: number };
  log: Log;
}

export class Tenant {
  readonly topics: Topics;
  readonly presence: Presence;
  readonly changes: Changes;
  readonly messages: Messages;
  readonly joins: Rate;
  readonly keys: Keys;
  readonly limits: Limits;
  readonly delays: TenantOptions["delays"];
  readonly log: Log;

  private constructor(readonly database: Database, options: TenantOptions) {
    ({ keys: this.keys, limits: this.limits, delays: this.delays, log: this.log } = options);
    const { joinsPerSecond, joinsAveragedMs } = this.limits;
    this.joins = new Rate(joinsPerSecond * joinsAveragedMs / 1000, joinsAveragedMs);
    this.topics = new Topics(new Rate(this.limits.eventsPerSecond * 60, 60_000));
    this.presence = new Presence(this.topics);
    this.changes = new Changes({ database, ...this.limits });
    this.messages = new Messages(database, this.topics);
  }

  /** Ready when changes and messages flow; fails with one sentence where they cannot. */
  static async open(options: TenantOptions): Promise<Tenant> {
    const database = await openDatabase(options.databaseUrl, options.log);
    const tenant = new Tenant(database, options);
    try {
      await Promise.all([tenant.changes.ready, tenant.messages.ready]);
      return tenant;
    } catch (error) {
      await tenant.stop();
      throw new Error(`Realtime cannot follow the database's log: ${reasonOf(error)}.`);
    }
  }

  async stop() {
    await Promise.all([this.changes.stop(), this.messages.stop()]);
    await this.database.close();
  }
}
