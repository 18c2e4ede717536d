-- What relay.follow() does for tables that are written in bulk costs little for each row; a template that is
-- no whole one is none; and a key is the columns that tell rows apart, without those that its index includes.

-- The channel of a row; null, and so nothing is sent, where a column of the template is null.
create or replace function relay.topic_of(template text, record jsonb)
returns text
language plpgsql immutable set search_path = ''
as $$
declare
  topic text := '';
  part text[];
  value text;
begin
  -- The rest of other channels stays out of reach, and the relay's own are nobody's. Half a column would
  -- be read as text: one channel for all rows.
  if template is null or template ~* '^relay:'
    or template !~ '^[^{}:]+:([^{}]|\{[^{}]+\})*$'
  then
    raise exception 'The template of a channel begins with a name and a colon, such as orders:{room}, and not with relay, and has columns in braces: got %', template;
  end if;
  for part in select regexp_matches(template, '([^{}]+)|\{([^{}]+)\}', 'g') loop
    if part[2] is null then
      topic := topic || part[1];
      continue;
    end if;
    if not record ? part[2] then
      raise exception 'The table has no column %, which the template % names', part[2], template;
    end if;
    value := record ->> part[2];
    if value is null then
      return null;
    end if;
    topic := topic || value;
  end loop;
  return topic;
end
$$;

create or replace function relay.key_columns(relation regclass)
returns text[]
language sql stable set search_path = ''
as $$
  select array(
    select a.attname::text
    from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a
      on a.attrelid = i.indrelid and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1])
    where i.indrelid = relation and i.indisprimary
  )
$$;

-- The columns that are sent of a row: the key, and those that are named; null where none is.
create or replace function relay.sent_columns(relation regclass, named text[])
returns text[]
language sql stable set search_path = ''
as $$
  select case when cardinality(named) > 0 then named || relay.key_columns(relation) end
$$;

-- The changes of a whole statement. Above 200 rows of one channel its message says only how many there
-- were, {operation: "MANY", count}: Realtime ends the channels of whoever gets a hundred a second.
create or replace function relay.broadcast_rows()
returns trigger
language plpgsql security definer set search_path = ''
set timezone = 'UTC'
set lock_timeout = '500ms'
as $$
declare
  template constant text := tg_argv[0];
  columns constant text[] := relay.sent_columns(tg_relid, array(select unnest(tg_argv[1:])));
  most constant int := 200;
  key constant text[] := relay.key_columns(tg_relid);
  befores jsonb[] := '{}';
  afters jsonb[] := '{}';
  change record;
begin
  -- Each row would be told with each other.
  if cardinality(key) = 0 then
    raise exception '% has no primary key, by which its rows could be told apart', tg_table_name;
  end if;
  if tg_op <> 'INSERT' then
    befores := array(select to_jsonb(old_rows.*) from old_rows);
  end if;
  if tg_op <> 'DELETE' then
    afters := array(select to_jsonb(new_rows.*) from new_rows);
  end if;

  for change in
    -- Each row is looked at once, and one of a crowd no more than that.
    with touched as materialized (
      select is_new, row_of, place, relay.topic_of(template, row_of) as topic,
        array(select row_of -> name from unnest(key) as name) as id
      from (
        select false as is_new, row_of, place
        from unnest(befores) with ordinality as b (row_of, place)
        union all
        select true, row_of, place from unnest(afters) with ordinality as a (row_of, place)
      ) as rows
    ),
    crowded as materialized (
      select topic, count(*) as rows
      -- A row counts once for each channel that hears of it.
      from (select distinct topic, id from touched where topic is not null) as once
      group by topic having count(*) > most
    ),
    told as materialized (
      select * from touched
      where topic is not null and not exists (select from crowded where crowded.topic = touched.topic)
    )
    select 0 as place, topic, rows, null::jsonb as before, null::jsonb as after from crowded
    union all
    select coalesce(a.place, b.place), null, null, b.row_of, a.row_of
    from (select * from told where not is_new) as b
    full join (select * from told where is_new) as a on b.id = a.id
    order by place
  loop
    if change.rows is null then
      perform relay.send_row(tg_relid, template, columns, change.before, change.after);
    else
      perform realtime.send(
        jsonb_build_object(
          'operation', 'MANY', 'schema', tg_table_schema, 'table', tg_table_name,
          'count', change.rows, 'seq', nextval('relay.changes')
        ),
        'MANY', change.topic, true
      );
    end if;
  end loop;
  return null;
-- A write is never lost because its broadcast failed; `others` does not cover the latter two.
exception when others or query_canceled or assert_failure then
  raise warning 'changes of %.% were not broadcast: %', tg_table_schema, tg_table_name, sqlerrm;
  return null;
end
$$;

revoke all on function relay.topic_of(text, jsonb), relay.key_columns(regclass),
  relay.sent_columns(regclass, text[]), relay.broadcast_rows()
  from public, anon, authenticated, service_role;
