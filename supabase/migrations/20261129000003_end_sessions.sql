-- Out now: what ends a session, or bans a user, is told on the private channel relay:sessions, which the
-- relay follows with its public key. It ends those sockets, on every worker.

do $$
begin
  if to_regclass('realtime.messages') is null then
    raise exception 'realtime.messages is missing: Realtime makes it when its first client connects. Start Realtime on this database, open a channel once, and push again.';
  end if;
  if (select relkind from pg_class where oid = to_regclass('realtime.messages')) not in ('r', 'p') then
    raise exception 'realtime.messages is no table, so it can have no policies. Give it another name, start Realtime on this database, which makes the table, open a channel once, and push again.';
  end if;
end
$$;

-- Only SHA-256 hashes of session ids are told: of a user's id a hash would be that id, to whoever knows it.
create or replace function relay.tell_ended(sessions uuid[])
returns void
language plpgsql set search_path = '' set timezone = 'UTC'
as $$
declare
  hashes text[] := array(select encode(sha256(convert_to(id::text, 'UTF8')), 'hex') from unnest(sessions) as id);
  -- A frame of 32 kB.
  page constant int := 500;
begin
  for n in 0 .. (cardinality(hashes) - 1) / page loop
    exit when cardinality(hashes) = 0;
    perform realtime.send(
      jsonb_build_object('sessions', hashes[n * page + 1 : (n + 1) * page]), 'ended', 'relay:sessions', true
    );
  end loop;
end
$$;

-- Ends all sessions of a user, or one of them, on every socket of the relay. The tokens themselves stay
-- good for other services until they expire: delete the row of auth.sessions for that, which calls this.
create or replace function relay.end_sessions(user_id uuid, session_id uuid default null)
returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform relay.tell_ended(array(
    select s.id from auth.sessions as s
    where s.user_id = end_sessions.user_id
      and (end_sessions.session_id is null or s.id = end_sessions.session_id)
  ));
end
$$;

-- These two run as supabase_auth_admin, in what signs people in and out: nothing here may stop that.
create or replace function relay.sessions_deleted()
returns trigger
language plpgsql security definer set search_path = ''
set timezone = 'UTC'
set lock_timeout = '500ms'
as $$
begin
  perform relay.tell_ended(array(select id from gone_sessions));
  return null;
exception when others or query_canceled or assert_failure then
  raise warning 'ended sessions were not told to the relay: %', sqlerrm;
  return null;
end
$$;

create or replace function relay.users_banned()
returns trigger
language plpgsql security definer set search_path = ''
set timezone = 'UTC'
set lock_timeout = '500ms'
as $$
begin
  perform relay.tell_ended(array(
    select s.id
    from users_after as a
    join users_before as b on b.id = a.id
    join auth.sessions as s on s.user_id = a.id
    where a.banned_until > now() and b.banned_until is distinct from a.banned_until
  ));
  return null;
exception when others or query_canceled or assert_failure then
  raise warning 'a ban was not told to the relay: %', sqlerrm;
  return null;
end
$$;

-- Anybody may know which hashes ended; nobody but the database says so.
create or replace function relay.sessions_policy()
returns text
language sql immutable set search_path = ''
return $policy$create policy "the relay hears which sessions ended"
  on realtime.messages for select to anon
  using (
    extension = 'broadcast'
    and topic = 'relay:sessions'
    and (select realtime.topic()) = 'relay:sessions'
  );$policy$;

-- As in 20261121000006, which not every project has. What is left to do for such a policy: null where one
-- is there, whatever its name, that says the same to the same roles. Compared is the text that Postgres
-- gives back, without its blanks, brackets and casts.
create or replace function relay.policy_left(wanted text)
returns text
language sql stable set search_path = ''
as $$
  with here as (
    select p.polname, p.polroles, p.polpermissive and p.polcmd in ('r', '*') as fits,
      pg_get_expr(p.polqual, p.polrelid) as allows
    from pg_catalog.pg_policy as p
    where p.polrelid = to_regclass('realtime.messages')
  ),
  plain as (
    select polname, polroles, fits and (allows = 'true' or
      regexp_replace(lower(allows), '\mas topic\M|\mas\M|::text|[\s()]', '', 'g') =
      regexp_replace(
        regexp_replace(lower(substring(wanted from 'using \((.*)\);')), '\mlike\M', '~~', 'g'),
        '\mas\M|[\s()]', '', 'g'
      )) as fits
    from here
  )
  select case when exists (select from here where polname = substring(wanted from '"([^"]+)"'))
    then 'drop policy "' || substring(wanted from '"([^"]+)"') || '" on realtime.messages;' || chr(10)
    else '' end || wanted
  where exists (
    select from regexp_split_to_table(substring(wanted from 'for select to ([a-z, ]+)'), ', ') as role
    where not exists (
      select from plain
      where fits and exists (
        select from unnest(polroles) as granted
        where granted = 0 or pg_has_role(role::name, granted, 'usage')
      )
    )
  )
$$;

do $$
begin
  drop policy if exists "the relay hears which sessions ended" on realtime.messages;
  execute relay.sessions_policy();
exception when insufficient_privilege then
  if relay.policy_left(relay.sessions_policy()) is null then
    return;
  end if;
  raise notice E'The relay cannot hear yet which sessions ended: %. Whoever owns realtime.messages (%) runs:\n%',
    sqlerrm,
    (select relowner::regrole from pg_class where oid = 'realtime.messages'::regclass),
    relay.policy_left(relay.sessions_policy());
end
$$;

-- Makes the triggers on Auth's tables, as far as they are there and the role may. Hosted projects let
-- postgres make them, and not drop them. To be called again where Auth made its tables later.
create or replace function relay.watch_sessions()
returns void
language plpgsql set search_path = ''
as $$
declare
  -- Who may make triggers there knows nothing of this schema, and has no right in it.
  advice constant text := 'Whoever has the right to, such as a superuser, runs: select relay.watch_sessions();';
begin
  if to_regclass('auth.sessions') is null then
    raise notice 'auth.sessions is not there: run "select relay.watch_sessions()" once Auth has made it.';
    return;
  end if;
  begin
    create or replace trigger relay_sessions_deleted
      after delete on auth.sessions referencing old table as gone_sessions
      for each statement execute function relay.sessions_deleted();
  exception when insufficient_privilege then
    -- Made already, by who may.
    if not exists (
      select from pg_catalog.pg_trigger
      where tgrelid = to_regclass('auth.sessions') and tgname = 'relay_sessions_deleted'
    ) then
      raise notice 'The ends of sessions are not told yet: %. %', sqlerrm, advice;
    end if;
  end;
  if not exists (
    select from pg_catalog.pg_attribute
    where attrelid = to_regclass('auth.users') and attname = 'banned_until' and not attisdropped
  ) then
    return;
  end if;
  create or replace trigger relay_users_banned
    after update on auth.users
    referencing old table as users_before new table as users_after
    for each statement execute function relay.users_banned();
exception when insufficient_privilege then
  if not exists (
    select from pg_catalog.pg_trigger
    where tgrelid = to_regclass('auth.users') and tgname = 'relay_users_banned'
  ) then
    raise notice 'Bans of users are not told yet: %. %', sqlerrm, advice;
  end if;
end
$$;

revoke all on all functions in schema relay from public, anon, authenticated, service_role;
grant usage on schema relay to service_role;
grant execute on function relay.end_sessions(uuid, uuid) to service_role;

select relay.watch_sessions();
