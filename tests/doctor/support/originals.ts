import { startUpstream } from "../../support/upstream.ts";
import { agree } from "./agree.ts";
import type { SetUp, Stage } from "./stage.ts";

/** Realtime's own schema, as far as the doctor looks: that of 2.129.8, or what is left of it. */
async function realtimeSchema(
  { sql, after }: Stage,
  { negate = true, five = true, execute = true, count = 81 } = {},
): Promise<void> {
  after(() =>
    sql.unsafe(
      `drop table if exists realtime.schema_migrations, realtime.subscription;
      drop function if exists realtime.check_equality_op(text, regtype, text, text);
      drop function if exists realtime.check_equality_op(text, regtype, text, text, boolean);
      drop type if exists realtime.user_defined_filter`,
    ).simple()
  );
  const operator = (last: string) =>
    `create function realtime.check_equality_op(op text, type_ regtype, val_1 text, val_2 text${last})
      returns boolean language sql as 'select true'`;
  await sql.unsafe(
    `create type realtime.user_defined_filter as (
      column_name text, op text, value text${negate ? ", negate boolean" : ""}
    );
    create table realtime.subscription (entity regclass, filters realtime.user_defined_filter[]);
    create table realtime.schema_migrations (version bigint primary key, inserted_at timestamp);
    insert into realtime.schema_migrations
      select 20260709120000 - n from generate_series(0, ${count - 1}) n;
    ${operator("")};
    ${five ? operator(", negate boolean") : "select 1"};
    ${
      execute ? "select 1" : `revoke all on function
        realtime.check_equality_op(text, regtype, text, text, boolean) from public`
    }`,
  ).simple();
}

const withDatabase = ({ stack }: Stage, url = stack.info.API_URL) => [
  ...[url, "--db", stack.info.DB_URL],
];

/** The stack's Realtime, of whose changes those by a filter are lost on the way. */
function losingFiltered({ stack, after }: Stage): string {
  const upstream = startUpstream({
    onSocket(socket, request) {
      const { search } = new URL(request.url);
      const own = new WebSocket(
        `${stack.info.API_URL.replace("http", "ws")}/realtime/v1/websocket${search}`,
      );
      const filtered = new Set<string>();
      const waiting: string[] = [];
      own.onopen = () => waiting.splice(0).forEach((it) => own.send(it));
      socket.onmessage = ({ data }) => {
        const { topic, payload } = JSON.parse(data);
        if (JSON.stringify(payload).includes('"filter"')) filtered.add(topic);
        if (own.readyState === WebSocket.OPEN) own.send(data);
        else waiting.push(data);
      };
      own.onmessage = ({ data }) => {
        const { topic, event } = JSON.parse(data);
        if (socket.readyState !== WebSocket.OPEN) return;
        if (event !== "postgres_changes" || !filtered.has(topic)) socket.send(data);
      };
      socket.onclose = () => own.close();
    },
  });
  after(upstream.stop);
  return `${upstream.url}/realtime/v1`;
}

/** A Realtime that lets in, and answers changes by this error. */
function refusingChanges({ after }: Stage, message: string): string {
  const upstream = startUpstream({
    onSocket(socket) {
      agree(socket);
      const say = socket.onmessage!;
      socket.onmessage = (event) => {
        const { topic, payload, ref } = JSON.parse(event.data);
        if (!payload.config?.postgres_changes) return say.call(socket, event);
        const ok = { status: "ok", response: {} };
        socket.send(JSON.stringify({ topic, event: "phx_reply", ref, payload: ok }));
        const error = { status: "error", extension: "postgres_changes", message };
        socket.send(JSON.stringify({ topic, event: "system", payload: error }));
      };
    },
  });
  after(upstream.stop);
  return `${upstream.url}/realtime/v1`;
}

/** A Realtime whose channels crash at the first broadcast. */
function crashing({ after }: Stage): string {
  const upstream = startUpstream({
    onSocket(socket) {
      agree(socket);
      const say = socket.onmessage!;
      socket.onmessage = (frame) => {
        const { topic, event, join_ref } = JSON.parse(frame.data);
        if (event !== "broadcast") return say.call(socket, frame);
        const payload = { reason: "channel_crash" };
        socket.send(JSON.stringify({ topic, event: "phx_error", ref: join_ref, payload }));
      };
    },
  });
  after(upstream.stop);
  return `${upstream.url}/realtime/v1`;
}

async function tenants({ sql, after }: Stage, name: string): Promise<void> {
  await sql`create schema _realtime`;
  after(() => sql`drop schema _realtime cascade`);
  await sql`create table _realtime.tenants (external_id text, jwt_secret text, suspend boolean)`;
  await sql`insert into _realtime.tenants values (${name}, null, false)`;
}

/** Realtime's own schema as it is made, and a tenant of another name than the doctor thinks. */
export const HEALTHY_ORIGINALS: { name: string; make: (stage: Stage) => Promise<string[]> }[] = [
  {
    name: "Realtime's own schema as 2.129.8 makes it",
    make: async (stage) => {
      await realtimeSchema(stage);
      return withDatabase(stage);
    },
  },
  {
    name: "Realtime's own schema as older versions made it",
    make: async (stage) => {
      await realtimeSchema(stage, { negate: false, five: false, count: 60 });
      return withDatabase(stage);
    },
  },
  {
    name: "a tenant of another name, at a server whose sockets open",
    make: async (stage) => {
      await tenants(stage, "acme");
      return withDatabase(stage);
    },
  },
];

/** What the original's own schema and tenants can have wrong. */
export const ORIGINAL_SET_UPS: SetUp[] = [
  {
    name: "a Realtime whose filters let nothing through",
    ...{ expect: "filtered_row_lost", says: /does not by a subscription with a filter/ },
    make: (stage) => [...withDatabase(stage, losingFiltered(stage)), "--wait", "4"],
  },
  {
    name: "a schema of Realtime's that is behind its server, and filters that let nothing through",
    ...{ expect: "realtime_schema_behind", says: /its migrations did not all run/ },
    make: async (stage) => {
      await realtimeSchema(stage, { negate: false, count: 70 });
      return [...withDatabase(stage, losingFiltered(stage)), "--wait", "4"];
    },
  },
  {
    name: "a Realtime that stumbles over its own subscription",
    ...{ expect: "realtime_schema_behind", never: /grant select on/ },
    make: (stage) => [
      refusingChanges(
        stage,
        'Subscribing to PostgreSQL failed: ERROR 42703 (undefined_column) column "selected_columns" of relation "subscription" does not exist',
      ),
      ...["--table", "public.url_clicks"],
    ],
  },
  {
    name: "a Realtime that knows no role of this name, and no database to look into",
    ...{ expect: "role_missing", never: /select policy/ },
    make: (stage) => [
      refusingChanges(
        stage,
        '{:error, "Unable to subscribe to changes with given parameters. An exception happened so please check your connect parameters: role "editor" does not exist"}',
      ),
      ...["--table", "public.url_clicks"],
    ],
  },
  {
    name: "a schema of Realtime's whose migrations stopped in their midst",
    expect: "realtime_schema_behind",
    make: async (stage) => {
      await realtimeSchema(stage);
      stage.after(() => stage.sql`drop type if exists realtime.user_defined_filter_v2`);
      await stage.sql`create type realtime.user_defined_filter_v2 as (column_name text)`;
      return [...withDatabase(stage), "--quick"];
    },
  },
  {
    name: "a schema of Realtime's that some migrations left out",
    expect: "realtime_schema_behind",
    make: async (stage) => {
      await realtimeSchema(stage, { count: 79 });
      return [...withDatabase(stage), "--quick"];
    },
  },
  {
    name: "API roles that may not call what filters are compared by",
    ...{ expect: "realtime_schema_behind", paste: /grant execute on function .* to anon, auth/ },
    make: async (stage) => {
      await realtimeSchema(stage, { execute: false });
      return [...withDatabase(stage), "--quick"];
    },
    ...{ pasteAs: "supabase_admin" },
  },
  {
    name: "a tenant that has Realtime's own name",
    ...{ expect: "tenant_name_reserved", says: /a name that Realtime needs itself/ },
    ...{ never: /check proxies/, paste: /SELF_HOST_TENANT_NAME: realtime-dev/ },
    make: async (stage) => {
      await tenants(stage, "realtime");
      return [crashing(stage), "--db", stage.stack.info.DB_URL];
    },
  },
  {
    name: "a channel that crashes, and no database to look into",
    ...{ expect: "channel_crashed", never: /check proxies/ },
    make: (stage) => [crashing(stage)],
  },
];
