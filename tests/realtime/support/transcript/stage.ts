/** What a conversation is replayed on: a fresh database and a server of its own. */
import postgres from "postgres";
import {
  type Limits,
  type Realtime,
  SELF_HOSTED,
  startRealtime,
} from "../../../../tools/stack/realtime/mod.ts";
import { startGateway } from "../../../../tools/stack/gateway/gateway.ts";
import type { Keys } from "../../../../tools/stack/keys.ts";
import type { Cluster, Database } from "../../../support/database.ts";
import { ask, type Request } from "./http.ts";
import type { Answer } from "./steps.ts";
import { JWT_SECRET } from "./tokens.ts";
import { DEADLINE_MS } from "./wait.ts";
import { Witness } from "./witness.ts";

export interface StageOptions {
  cluster: Cluster;
  /** SQL that made what the recording began with. */
  setup: string;
  /** The limits that the recording names in its first line. */
  limits: "default self-host limits" | "limits lifted";
  changes?: Partial<Limits>;
  delays?: boolean;
}

/** What Postgres said to a line of SQL, as psql prints it. */
export interface SqlAnswer {
  notices: string[];
  /** The first error: as psql prints it, and its code and message alone. */
  error?: { full: string; brief: string };
  /** What the last statement returned, as JSON. */
  rows: string;
}

/** None of them is sent: the recordings' clients bear tokens. */
const KEYS: Keys = {
  jwtSecret: JWT_SECRET,
  ...{ anonKey: "none", serviceRoleKey: "none", publishableKey: "none", secretKey: "none" },
  userPassword: "none",
};

export class Stage {
  #notices: string[] = [];
  /** Named sessions of psql, each a connection; they have transactions open side by side. */
  #sessions = new Map<string, postgres.Sql>();
  private constructor(
    readonly database: Database,
    readonly realtime: Realtime,
    readonly witness: Witness,
    readonly start: number,
  ) {}

  static async open({ cluster, setup, limits, changes, delays }: StageOptions): Promise<Stage> {
    const start = Date.now();
    const database = await cluster.database("bootstrapped");
    await database.sql.unsafe(setup).simple();
    await Witness.prepare(database);
    const realtime = await startRealtime({
      databaseUrl: database.url.replace("//postgres:", "//supabase_admin:"),
      jwtSecret: JWT_SECRET,
      delays,
      limits: { ...(limits === "limits lifted" ? {} : SELF_HOSTED), ...changes },
    });
    try {
      const witness = await Witness.open(realtime.url, database);
      return new Stage(database, realtime, witness, start);
    } catch (error) {
      await realtime.stop();
      throw error;
    }
  }

  /**
   * Runs a line of SQL as role postgres, as psql does: statement after statement, whatever becomes
   * of them. But changes of rows are one transaction: the original polls, so that it decides on
   * all of a line at once.
   */
  async sql(text: string, session = ""): Promise<SqlAnswer> {
    const connection = this.#sessions.get(session) ?? postgres(this.database.url, {
      max: 1,
      onnotice: ({ message }) => void this.#notices.push(message!),
    });
    this.#sessions.set(session, connection);
    this.#notices = [];
    const errors: SqlAnswer["error"][] = [];
    let rows = "[]";
    for (const statement of /^(?:insert|update|delete)\b/.test(text) ? [text] : split(text)) {
      await connection.unsafe(statement).simple()
        .then((result) => rows = JSON.stringify(result))
        .catch((error) => errors.push(describe(error)));
    }
    return { notices: this.#notices, error: errors.at(0), rows };
  }

  /** One request, to the server itself or by the gateway that stands before it in the stack. */
  async ask(request: Request): Promise<Answer> {
    if (!request.isByGateway) return await ask(this.realtime.url, request);
    const targets = { realtime: this.realtime.url };
    const gateway = await startGateway({ port: 0, keys: KEYS, targets });
    return await ask(gateway.url, request).finally(gateway.stop);
  }

  async close() {
    await Promise.all([...this.#sessions.values()].map((session) => session.end()));
    await this.witness.close();
    await this.realtime.stop();
    await dropSlots(this.database);
    await this.database[Symbol.asyncDispose]();
  }
}

/** The statements of a line; a semicolon in quotes or in $$ ends none. */
function split(text: string): string[] {
  const statements = text.match(/(?:'[^']*'|\$\$.*?\$\$|[^;'$])+/g) ?? [];
  if (statements.join(";") !== text.replace(/;$/, "")) throw new Error(`cannot split ${text}`);
  return statements;
}

interface SqlError {
  code: string;
  message: string;
  severity?: string;
  detail?: string;
  hint?: string;
}

function describe(error: SqlError): SqlAnswer["error"] {
  const { code, message, severity = "ERROR", detail, hint } = error;
  const more = [detail && `DETAIL:  ${detail}`, hint && `HINT:  ${hint}`];
  return {
    full: [`${severity}:  ${message}`, ...more.filter(Boolean)].join(" | "),
    brief: `${severity} ${code} ${message}`,
  };
}

/** The server keeps its slots for its next start; their names are the cluster's, not a database's. */
async function dropSlots({ admin }: Database) {
  const deadline = Date.now() + DEADLINE_MS;
  while (Date.now() < deadline) {
    const slots = await admin`
      select active, case when not active then pg_drop_replication_slot(slot_name) end
      from pg_replication_slots where database = current_database()`;
    if (!slots.some(({ active }) => active)) return;
  }
  throw new Error("the stopped server still reads its replication slots");
}
