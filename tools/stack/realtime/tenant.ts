/** What the clients of one project share. */
import { Changes } from "./changes.ts";
import type { Channel } from "./channel.ts";
import { type Database, type Log, openDatabase } from "./database.ts";
import { type Limits, Rate } from "./limits.ts";
import { Messages } from "./messages.ts";
import { Presence } from "./presence.ts";
import { type Access, probe, PUBLIC } from "./private.ts";
import type { Identity, Keys } from "./token.ts";
import { Topics } from "./topics.ts";

export interface TenantOptions {
  databaseUrl: string;
  keys: Keys;
  limits: Limits;
  /** How long refusals wait: the original slows down who tries again and again. */
  delays: { handshakeMs: number; joinMs: number };
  log: Log;
}

export class Tenant {
  readonly topics: Topics;
  readonly presence = new Presence();
  readonly changes: Changes;
  readonly messages: Messages;
  readonly joins: Rate;
  readonly keys: Keys;
  readonly limits: Limits;
  readonly delays: TenantOptions["delays"];
  readonly log: Log;

  private constructor(readonly database: Database, options: TenantOptions) {
    ({ keys: this.keys, limits: this.limits, delays: this.delays, log: this.log } = options);
    this.joins = new Rate(this.limits.joinsPerSecond, 1000);
    this.topics = new Topics(new Rate(this.limits.eventsPerSecond * 60, 60_000));
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
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`Realtime cannot follow the database's log: ${reason}.`);
    }
  }

  /** What somebody may do on a topic. */
  access(channel: Pick<Channel, "name" | "config">, identity: Identity): Promise<Access> {
    if (!channel.config.private) return Promise.resolve(PUBLIC);
    return probe(this.database, channel.name, identity);
  }

  async stop() {
    await Promise.all([this.changes.stop(), this.messages.stop()]);
    await this.database.close();
  }
}
