-- What a client missed of a private channel, as far as the database sent it. Realtime keeps those
-- messages for 72 hours and replays the newest 25; this gives them all, page by page.

-- Security invoker: the policies of realtime.messages decide, as they do about joining the channel.
-- One that looks at topic and extension alone gives this right and that one together; one that looks at
-- other columns shows the rows that it shows.
--
-- after_id is the last message that the client had; where it is not there any more, since counts, and
-- with neither nothing is read. Oldest first, by cmin within a transaction: all of its messages have the
-- time at which it began. At most max_rows (1 to 1000) and 4 MB. The last row, of id null, is the
-- server's time: frames carry an id and no time, so a client asks for it when it joins.
create or replace function public.missed_messages(
  topic text,
  after_id uuid default null,
  since timestamptz default null,
  max_rows int default 1000
)
returns table (
  id uuid, event text, payload jsonb, binary_payload bytea, inserted_at timestamptz
)
language plpgsql security invoker
set search_path = ''
-- The column has no zone, and PostgREST lets a client choose the session's.
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  channel constant text := missed_messages.topic;
  most constant int := least(greatest(coalesce(missed_messages.max_rows, 1000), 1), 1000);
  most_bytes constant bigint := 4000000;
  oldest constant timestamp := now() - interval '72 hours';
  start timestamp := greatest(coalesce(missed_messages.since, now()), oldest);
  last_place bigint;
  last_id uuid;
  question text;
  may_read boolean := true;
begin
  perform set_config('realtime.topic', channel, true);

  -- Millions of messages of others are not looked through for somebody without the right. Policies that
  -- look at other columns than these two have no answer without a row.
  if row_security_active('realtime.messages'::regclass) and not exists (
    select from pg_catalog.pg_policy as p
    join pg_catalog.pg_depend as d
      on d.classid = 'pg_policy'::regclass and d.objid = p.oid
      and d.refclassid = 'pg_class'::regclass and d.refobjid = p.polrelid
    join pg_catalog.pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where p.polrelid = 'realtime.messages'::regclass and p.polcmd in ('r', '*')
      and a.attname not in ('topic', 'extension')
  ) then
    select format(
      'select (%s) and (%s) from (select %L::text as topic, %L::text as extension) as messages',
      coalesce(string_agg('(' || allows || ')', ' or ') filter (where polpermissive), 'false'),
      coalesce(string_agg('(' || allows || ')', ' and ') filter (where not polpermissive), 'true'),
      channel,
      'broadcast'
    )
    into question
    from (
      select polpermissive, coalesce(pg_get_expr(polqual, polrelid), 'true') as allows
      from pg_catalog.pg_policy
      where polrelid = 'realtime.messages'::regclass and polcmd in ('r', '*')
        and exists (
          select from unnest(polroles) as role where role = 0 or pg_has_role(role, 'usage')
        )
    ) as policies;
    begin
      execute question into may_read;
    -- A policy that cannot be asked so is asked row by row, below.
    exception when others then
      may_read := true;
    end;
  end if;

  if may_read and missed_messages.after_id is not null then
    select m.inserted_at, m.cmin::text::bigint, m.id
    into start, last_place, last_id
    from realtime.messages as m
    where m.id = missed_messages.after_id and m.inserted_at >= oldest
      and m.topic = channel and m.extension = 'broadcast' and m.private is true;
    start := coalesce(start, greatest(coalesce(missed_messages.since, now()), oldest));
  end if;

  if may_read then
    return query
    select page.id, page.event, page.payload, page.binary_payload, page.inserted_at at time zone 'UTC'
    from (
      select found.*,
        row_number() over in_order as n,
        sum(octet_length(coalesce(found.payload::text, '')) +
          octet_length(coalesce(found.binary_payload, ''))) over in_order as bytes
      from (
        select m.id, m.event, m.payload, m.binary_payload, m.inserted_at,
          m.cmin::text::bigint as place
        from realtime.messages as m
        where m.topic = channel and m.extension = 'broadcast' and m.private is true
          and m.inserted_at >= start
          and (
            last_id is null
            or (m.inserted_at, m.cmin::text::bigint, m.id) > (start, last_place, last_id)
          )
        order by m.inserted_at, place, m.id
        limit most
      ) as found
      window in_order as (order by found.inserted_at, found.place, found.id)
    ) as page
    where page.n = 1 or page.bytes <= most_bytes
    order by page.n;
  end if;

  return query select null::uuid, null::text, null::jsonb, null::bytea, now();
end
$$;

-- As all functions that send: where the time of a message would be that of the session's zone, which a
-- request chooses, its place among others would be wrong.
do $$
begin
  -- Projects without the links have no such function.
  if to_regprocedure('public.broadcast_url_click()') is not null then
    alter function public.broadcast_url_click() set timezone = 'UTC';
  end if;
end
$$;

revoke all on function public.missed_messages(text, uuid, timestamptz, int) from public;
grant execute on function public.missed_messages(text, uuid, timestamptz, int)
  to anon, authenticated, service_role;
