-- Out now: what ends a session, or bans a user, is told on the private channel relay:sessions, which the
-- relay follows with its public key. It ends those sockets, on every worker.

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

do $$
begin
  drop policy if exists "the relay hears which sessions ended" on realtime.messages;
  execute relay.sessions_policy();
exception when insufficient_privilege then
  if exists (
    select from pg_policies
    where schemaname = 'realtime' and tablename = 'messages'
      and policyname = 'the relay hears which sessions ended'
  ) then
    return;
  end if;
  raise notice E'The relay cannot hear yet which sessions ended: %. Whoever owns realtime.messages (%) runs:\n%',
    sqlerrm,
    (select relowner::regrole from pg_class where oid = 'realtime.messages'::regclass),
    relay.sessions_policy();
end
$$;

-- Makes the triggers on Auth's tables, as far as they are there and the role may. Hosted projects let
-- postgres make them, and not drop them. To be called again where Auth made its tables later.
create or replace function relay.watch_sessions()
returns void
language plpgsql set search_path = ''
as $$
begin
  if to_regclass('auth.sessions') is null then
    raise notice 'auth.sessions is not there: run "select relay.watch_sessions()" once Auth has made it.';
    return;
  end if;
  create or replace trigger relay_sessions_deleted
    after delete on auth.sessions referencing old table as gone_sessions
    for each statement execute function relay.sessions_deleted();
  if exists (
    select from pg_catalog.pg_attribute
    where attrelid = to_regclass('auth.users') and attname = 'banned_until' and not attisdropped
  ) then
    create or replace trigger relay_users_banned
      after update on auth.users
      referencing old table as users_before new table as users_after
      for each statement execute function relay.users_banned();
  end if;
exception when insufficient_privilege then
  raise notice 'The ends of sessions are not told yet: %. Whoever owns auth.sessions runs: select relay.watch_sessions();', sqlerrm;
end
$$;

revoke all on all functions in schema relay from public, anon, authenticated, service_role;
grant usage on schema relay to service_role;
grant execute on function relay.end_sessions(uuid, uuid) to service_role;

select relay.watch_sessions();
