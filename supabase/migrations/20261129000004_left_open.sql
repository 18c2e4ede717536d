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
  coalesce(
    (select pubowner::regrole::text from pg_publication where pubname = 'supabase_realtime'),
    'a superuser'
  ) as owner,
  case when exists (select from pg_publication where pubname = 'supabase_realtime')
    then '' else 'create publication supabase_realtime; '
  end || 'alter publication supabase_realtime add table public.url_clicks;' as statement
where not exists (
    select from pg_publication_tables
    where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'url_clicks'
  )
  -- One without row level security would be sent to everybody: that is its owner's to change first.
  -- Projects without the links have no such table, and nothing of it is open.
  and (select relrowsecurity from pg_class where oid = to_regclass('public.url_clicks'))
union all
select
  'realtime.messages has no policy for the channels clicks:<slug>',
  (select relowner::regrole::text from pg_class where oid = 'realtime.messages'::regclass),
  relay.clicks_policy()
where to_regclass('public.short_links') is not null and not exists (
  select from pg_policies
  where schemaname = 'realtime' and tablename = 'messages'
    and policyname = 'clicks of visible links can be received'
)
union all
select
  'realtime.messages has no policy for the channel relay:sessions',
  (select relowner::regrole::text from pg_class where oid = 'realtime.messages'::regclass),
  relay.sessions_policy()
where not exists (
  select from pg_policies
  where schemaname = 'realtime' and tablename = 'messages'
    and policyname = 'the relay hears which sessions ended'
)
union all
select
  'the ends of sessions are not told',
  (select relowner::regrole::text from pg_class where oid = to_regclass('auth.sessions')),
  'select relay.watch_sessions();'
where to_regclass('auth.sessions') is not null and not exists (
  select from pg_trigger
  where tgrelid = to_regclass('auth.sessions') and tgname = 'relay_sessions_deleted'
);

revoke all on relay.left_open from public, anon, authenticated, service_role;
