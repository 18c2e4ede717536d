-- Broadcast: each click also goes to the private channel clicks:<slug>. This is the path that
-- scales: rights are checked once, when a channel is joined, not per row and subscriber.

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

-- What the relay's migrations need beside the application's tables. Nobody but their owner uses it.
-- Asked for first: `create schema if not exists` wants the right to make it also where it is there.
do $$
begin
  if to_regnamespace('relay') is null then
    create schema relay;
  elsif not has_schema_privilege('relay', 'usage') or not has_schema_privilege('relay', 'create') then
    raise exception 'The schema relay belongs to %, and % may make nothing in it. Its owner (%), or a superuser, runs: grant usage, create on schema relay to %; Then push again.',
      (select nspowner::regrole from pg_namespace where nspname = 'relay'),
      current_user::regrole,
      (select nspowner::regrole from pg_namespace where nspname = 'relay'),
      current_user::regrole;
  end if;
exception when insufficient_privilege then
  -- Whoever makes it for another role has to be a member of that one.
  raise exception '% may not make the schema relay in this database. Who may (%) runs: create schema relay authorization %; Then push again.',
    current_user::regrole,
    coalesce((
      select datdba::regrole::text from pg_database
      where datname = current_database() and pg_has_role(datdba, current_user::regrole, 'member')
    ), 'a superuser'),
    current_user::regrole;
end
$$;
revoke all on schema relay from public;

-- A channel clicks:<slug> may be received by whoever sees the link: the policies of short_links
-- hold in the subquery. Both the topic asked about and the row's own: the first alone would show
-- the messages of all topics. No policy for insert: clients send nothing on these channels.
--
-- As text, since not every project lets the role that migrates make policies here: then the owner of
-- realtime.messages runs it, as relay.left_open has it.
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

-- What is left to do for such a policy: null where one is there, whatever its name, that says the same to
-- the same roles. Compared is the text that Postgres gives back, without its blanks, brackets and casts.
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
  drop policy if exists "clicks of visible links can be received" on realtime.messages;
  execute relay.clicks_policy();
exception when insufficient_privilege then
  -- Made by the owner already: one that was made anew would be the same.
  if relay.policy_left(relay.clicks_policy()) is null then
    return;
  end if;
  raise notice E'The channels clicks:<slug> cannot be joined yet: %. Whoever owns realtime.messages (%) runs:\n%',
    sqlerrm,
    (select relowner::regrole from pg_class where oid = 'realtime.messages'::regclass),
    relay.policy_left(relay.clicks_policy());
end
$$;

-- realtime.send runs with the rights of its caller and turns errors into warnings: called as anon
-- it would send nothing, in silence. Hence security definer.
create or replace function public.broadcast_url_click()
returns trigger
language plpgsql security definer set search_path = ''
-- The time of a message has no zone, and a request chooses the session's.
set timezone = 'UTC'
-- realtime.messages is locked while partitions are made: the visitor does not wait for that.
set lock_timeout = '500ms'
as $$
declare
  click jsonb := to_jsonb(new);
begin
  perform realtime.send(
    jsonb_build_object(
      'id', click -> 'id',
      'slug', click -> 'slug',
      'clicked_at', coalesce(click -> 'clicked_at', to_jsonb(now()))
    ),
    'click',
    'clicks:' || (click ->> 'slug'),
    true
  );
  return null;
-- A click is never lost because its broadcast failed; `others` does not cover the latter two.
exception when others or query_canceled or assert_failure then
  raise warning 'click on % was not broadcast: %', click ->> 'slug', sqlerrm;
  return null;
end
$$;

-- Only the trigger calls it.
revoke all on function public.broadcast_url_click()
  from public, anon, authenticated, service_role;

do $$
begin
  -- Only a url_clicks of another shape lacks one of these.
  if not exists (
    select from pg_class as c join pg_attribute as a on a.attrelid = c.oid
    where c.oid = 'public.url_clicks'::regclass and c.relkind in ('r', 'p')
      and pg_has_role(c.relowner, 'usage')
      and a.attname = 'slug' and not a.attisdropped
  ) then
    raise notice 'public.url_clicks has no column slug or belongs to another role: its clicks are not broadcast.';
    return;
  end if;
  create or replace trigger broadcast_url_click
    after insert on public.url_clicks
    for each row execute function public.broadcast_url_click();
end
$$;
