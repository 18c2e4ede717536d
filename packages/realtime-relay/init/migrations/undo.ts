import type { Choice } from "./choices.ts";

/** A migration that takes others out, and what people have to know or do beside it. */
export interface Undo {
  /** Empty where nothing is taken out. */
  sql: string;
  notes: string[];
}

/**
 * What takes out the database's side of these choices. A demo's tables hold what people entered: they
 * stay, and a note has the statement.
 */
export function undo(choices: ReadonlySet<Choice>): Undo {
  const parts: string[] = [];
  const notes: string[] = [];
  if (choices.has("revoke")) {
    parts.push(REVOKE);
    notes.push(OWNERS);
  }
  if (choices.has("history")) parts.push(HISTORY);
  if (choices.has("demo")) notes.push(DEMO);
  if (parts.length === 0) return { sql: "", notes };
  return { sql: [HEAD, ...parts, SCHEMA].join("\n"), notes };
}

const HEAD = `-- Takes out what the relay's migrations made. Nothing here drops a row of yours.
`;

/** Hosted projects let postgres make triggers on Auth's tables, and not drop them. */
const REVOKE =
  `-- The triggers on Auth's tables do nothing from here on, whether they can be dropped or not.
create or replace function relay.sessions_deleted()
returns trigger language plpgsql set search_path = ''
as $$ begin return null; end $$;

create or replace function relay.users_banned()
returns trigger language plpgsql set search_path = ''
as $$ begin return null; end $$;

do $$
begin
  drop trigger if exists relay_sessions_deleted on auth.sessions;
  drop trigger if exists relay_users_banned on auth.users;
  drop function relay.sessions_deleted(), relay.users_banned();
exception
  when insufficient_privilege then
    raise notice 'The triggers on Auth''s tables stay, and do nothing. Their owner drops them: drop trigger relay_sessions_deleted on auth.sessions; drop trigger relay_users_banned on auth.users;';
  -- Auth's tables are not there: neither are the triggers.
  when undefined_table then
    drop function relay.sessions_deleted(), relay.users_banned();
end
$$;

do $$
begin
  drop policy if exists "the relay hears which sessions ended" on realtime.messages;
exception when insufficient_privilege then
  raise notice 'A policy stays. The owner of realtime.messages drops it: drop policy "the relay hears which sessions ended" on realtime.messages;';
end
$$;

do $$
begin
  drop view if exists relay.left_open;
  drop function if exists relay.end_sessions(uuid, uuid);
  drop function if exists relay.tell_ended(uuid[]);
  drop function if exists relay.watch_sessions();
  drop function if exists relay.policy_left(text);
  drop function if exists relay.sessions_policy();
  drop function if exists relay.clicks_policy();
exception when dependent_objects_still_exist then
  raise notice 'What calls relay.end_sessions() keeps it, with what it needs: %', sqlerrm;
end
$$;
`;

const HISTORY = `do $$
begin
  drop function if exists public.missed_messages(text, uuid, timestamptz, int);
exception when dependent_objects_still_exist then
  raise notice 'What calls public.missed_messages() keeps it: %', sqlerrm;
end
$$;

do $$
begin
  drop function if exists relay.broadcast_row(), relay.broadcast_rows();
  drop function if exists relay.follow(regclass, text, text[]);
  drop function if exists relay.send_row(regclass, text, text[], jsonb, jsonb);
  drop function if exists relay.send_change(text, regclass, text, jsonb, jsonb, text[]);
  drop function if exists relay.cut_record(jsonb, text[]);
  drop function if exists relay.sent_columns(regclass, text[]);
  drop function if exists relay.key_columns(regclass);
  drop function if exists relay.topic_of(text, jsonb);
  drop sequence if exists relay.changes;
exception when dependent_objects_still_exist then
  raise notice 'Triggers of yours still call relay.broadcast_row() or relay.broadcast_rows(), which stay with what they need: %', sqlerrm;
end
$$;
`;

/** The demo makes the two functions as well, and the schema. */
const SCHEMA = `do $$
begin
  drop function if exists relay.clicks_policy(), relay.policy_left(text);
exception when dependent_objects_still_exist then
  raise notice 'The view relay.left_open stays, with what it calls.';
end
$$;

do $$
begin
  drop schema if exists relay;
exception when dependent_objects_still_exist or insufficient_privilege then
  raise notice 'The schema relay stays, with what is still in it.';
end
$$;
`;

const OWNERS =
  "Hosted projects do not let the role postgres drop triggers on Auth's tables. There they stay, with " +
  "functions that do nothing; whoever owns the tables runs: drop trigger relay_sessions_deleted on " +
  "auth.sessions; drop trigger relay_users_banned on auth.users;";

/** Exported for the test that runs it. */
export const DROP_DEMO =
  `drop policy if exists "clicks of visible links can be received" on realtime.messages;
drop view if exists public.link_stats;
drop table public.url_clicks, public.short_links;
drop table if exists public.held_slugs;
drop function public.open_short_link, public.short_link_exists, public.broadcast_url_click,
  public.add_few_rows, public.keep_created_at, public.stamp_url_click, public.bound_short_links;
drop function if exists public.hold_slugs, public.refuse_held_slug;
${SCHEMA}`;

const DEMO =
  `The demo's tables stay, since they hold rows. To drop them with all that is in them:\n${DROP_DEMO}`;
