-- Broadcast: each click also goes to the private channel clicks:<slug>. This is the path that
-- scales: rights are checked once, when a channel is joined, not per row and subscriber.

do $$
begin
  if to_regclass('realtime.messages') is null then
    raise exception 'realtime.messages is missing: Realtime makes it when its first client connects. Start Realtime on this database, open a channel once, and push again.';
  end if;
end
$$;

-- What the relay's migrations need beside the application's tables. Nobody but their owner uses it.
create schema if not exists relay;
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

do $$
begin
  drop policy if exists "clicks of visible links can be received" on realtime.messages;
  execute relay.clicks_policy();
exception when insufficient_privilege then
  -- Made by the owner already: one that was made anew would be the same.
  if exists (
    select from pg_policies
    where schemaname = 'realtime' and tablename = 'messages'
      and policyname = 'clicks of visible links can be received'
  ) then
    return;
  end if;
  raise notice E'The channels clicks:<slug> cannot be joined yet: %. Whoever owns realtime.messages (%) runs:\n%',
    sqlerrm,
    (select relowner::regrole from pg_class where oid = 'realtime.messages'::regclass),
    relay.clicks_policy();
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
