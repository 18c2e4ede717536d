/** A client that proves silence: what it gets, the others would have got before. */
import type { Database } from "../../../support/database.ts";
import { HOST } from "./http.ts";
import { RawSocket } from "./raw_socket.ts";
import { fill } from "./tokens.ts";
import { DEADLINE_MS, Wait } from "./wait.ts";

/** Of the table and the topic; other clients' frames that tell of it are none of the recording. */
const NAME = "transcript_witness";
/** A third of the time after which the server closes a socket that says nothing. */
const HEARTBEAT_MS = 20_000;

export class Witness {
  #ticks = 0;
  #heartbeat: ReturnType<typeof setInterval>;
  private constructor(
    readonly socket: RawSocket,
    readonly database: Database,
    readonly wait: Wait,
  ) {
    const frame = { topic: "phoenix", event: "heartbeat", payload: {}, ref: "0" };
    this.#heartbeat = setInterval(() => socket.send(JSON.stringify(frame)), HEARTBEAT_MS);
  }

  static async prepare({ sql }: Database) {
    await sql.unsafe(`
      create schema ${NAME};
      grant usage on schema ${NAME} to anon, authenticated, service_role;
      create table ${NAME}.ticks (n int primary key);
      grant select on ${NAME}.ticks to anon, authenticated, service_role;
      alter publication supabase_realtime add table ${NAME}.ticks;
    `).simple();
  }

  static async open(url: string, database: Database): Promise<Witness> {
    const wait = new Wait();
    const apikey = await fill("<ANON>");
    const path = `/socket/websocket?apikey=${apikey}`;
    const { socket, answer } = await RawSocket.open(url, path, { host: HOST }, wait.wake);
    if (!socket) throw new Error(`the server refuses a socket: ${answer.status} ${answer.body}`);
    const witness = new Witness(socket, database, wait);
    const bindings = [{ event: "INSERT", schema: NAME, table: "ticks" }];
    await socket.send(JSON.stringify({
      topic: `realtime:${NAME}`,
      event: "phx_join",
      payload: { config: { postgres_changes: bindings } },
      ref: "1",
      join_ref: "1",
    }));
    await witness.#sees((frame) => frame.includes("Subscribed to PostgreSQL"));
    return witness;
  }

  /** Whether a frame tells of the witness. */
  static isMeant(frame: string): boolean {
    return frame.includes(`"schema":"${NAME}"`);
  }

  /** Settled when all changes and broadcasts that were committed before have been decided on. */
  async prove() {
    const tick = ++this.#ticks;
    await this.database.sql`
      with tick as (insert into ${this.database.sql(NAME)}.ticks values (${tick}))
      select realtime.send(${this.database.sql.json({ tick })}, 'tick', ${NAME}, false)`;
    await this.#sees((frame) => frame.includes(`"record":{"n": ${tick}}`));
    await this.#sees((frame) => frame.includes(`"tick": ${tick}}`));
    this.socket.frames.length = 0;
  }

  async close() {
    clearInterval(this.#heartbeat);
    await this.socket.close();
  }

  async #sees(passes: (frame: string) => boolean) {
    const seen = await this.wait.until(() => this.socket.frames.some(passes), DEADLINE_MS);
    if (!seen) throw new Error("the server delivers no changes, or no broadcasts, of the database");
  }
}
