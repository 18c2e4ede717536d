-- The same as in 20261121000006, which did not have it yet when older projects were given that.
create or replace function relay.clicks_policy()
returns text
language sql immutable set search_path = ''
return $policy$create policy "clicks of visible links can be received"
  on realtime.messages for select to anon, authenticated
  using (
    extension = 'broadcast'
    and topic = (select realtime.topic())
    and topic like 'clicks:%'
    and exists (
      select from public.short_links as link
      where link.slug = substr((select realtime.topic()), length('clicks:') + 1)
    )
  );$policy$;
revoke all on function relay.clicks_policy() from public, anon, authenticated, service_role;

-- What the role that migrates was not allowed to do, who may, and by which statement: for the doctor, and
-- for people, who do not see the notices of `supabase db push`. Empty once all is done.
create or replace view relay.left_open
with (security_invoker = true) as
select
  'public.url_clicks is not in the publication supabase_realtime' as what,
  -- Adding a table wants the rights of both owners.
  coalesce(
    case
      when pg_has_role(pubowner, relowner, 'usage') then pubowner::regrole::text
      when pg_has_role(relowner, pubowner, 'usage') or pubowner is null
        and has_database_privilege(relowner, current_database(), 'create')
        then relowner::regrole::text
    end,
    'a superuser'
  ) as owner,
  case when pubname is null then 'create publication supabase_realtime; ' else '' end ||
    'alter publication supabase_realtime add table public.url_clicks;' as statement
from pg_class left join pg_publication on pubname = 'supabase_realtime'
-- Projects without the links have no such table, and nothing of it is open.
where pg_class.oid = to_regclass('public.url_clicks')
  and not exists (
    select from pg_publication_tables as published
    where published.pubname = 'supabase_realtime'
      and schemaname = 'public' and tablename = 'url_clicks'
  )
  -- What 20261121000005 leaves out for a reason that is its owner's to change first: one without row
  -- level security would be sent to everybody, and one without a replica identity take no more updates.
  and relkind in ('r', 'p') and relpersistence = 'p' and relrowsecurity
  and (relreplident = 'f' or exists (
    select from pg_index
    where indrelid = pg_class.oid and indimmediate and indisvalid
      and case relreplident when 'd' then indisprimary when 'i' then indisreplident end
  ))
union all
select
  'row level security of realtime.messages is off: every private channel is open to everybody',
  relowner::regrole::text,
  'alter table realtime.messages enable row level security;'
from pg_class
where oid = to_regclass('realtime.messages') and relkind in ('r', 'p') and not relrowsecurity
union all
select
  'realtime.messages has no policy for the channels clicks:<slug>',
  relowner::regrole::text,
  relay.policy_left(relay.clicks_policy())
from pg_class
where oid = to_regclass('realtime.messages') and to_regclass('public.short_links') is not null
  and relay.policy_left(relay.clicks_policy()) is not null
union all
select
  'realtime.messages has no policy for the channel relay:sessions',
  relowner::regrole::text,
  relay.policy_left(relay.sessions_policy())
from pg_class
where oid = to_regclass('realtime.messages')
  and relay.policy_left(relay.sessions_policy()) is not null
union all
select
  case when is_told then 'bans of users are not told' else 'the ends of sessions are not told' end,
  -- The function is nobody else's to call.
  case when has_table_privilege(migrates, sessions, 'trigger')
      and (is_ban_told or has_table_privilege(migrates, users, 'trigger'))
    then migrates::regrole::text else 'a superuser' end,
  'select relay.watch_sessions();'
from (
  select
    proowner as migrates,
    sessions,
    users,
    exists (
      select from pg_trigger where tgrelid = sessions and tgname = 'relay_sessions_deleted'
    ) as is_told,
    exists (
      select from pg_trigger where tgrelid = users and tgname = 'relay_users_banned'
    ) or not exists (
      select from pg_attribute
      where attrelid = users and attname = 'banned_until' and not attisdropped
    ) as is_ban_told
  from pg_proc, to_regclass('auth.sessions') as sessions, to_regclass('auth.users') as users
  where pg_proc.oid = 'relay.watch_sessions()'::regprocedure and sessions is not null
) as triggers
where not is_told or not is_ban_told;

revoke all on relay.left_open from public, anon, authenticated, service_role;

do $$
declare
  owner regrole := (
    select relowner from pg_class
    where oid = to_regclass('realtime.messages') and not relrowsecurity
  );
begin
  if owner is not null then
    raise warning 'Row level security of realtime.messages is off: every private channel is open to everybody. Whoever owns it (%) runs: alter table realtime.messages enable row level security;', owner;
  end if;
end
$$;
