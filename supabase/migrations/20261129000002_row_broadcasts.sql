-- Every change of a table's rows as a private broadcast: rights are checked once, when the channel is
-- joined, and what was missed can be read again by public.missed_messages().
--
--   create trigger … after insert or update or delete on orders
--     for each row execute function relay.broadcast_row('orders:{room}', 'room', 'state');
--
-- or, for tables that are written in bulk, select relay.follow('orders', 'orders:{room}', 'room', 'state').
-- The payload is {operation, schema, table, record, old_record, seq}, of the columns that are named, and
-- of the key always; none named means all, whoever may read them, since this runs as its owner.

-- Made by an earlier migration too, but not yet in the version of it that older projects were given.
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

-- Order is promised for each row, by seq: it is taken behind the change, while the row is locked. The
-- time of a message is that at which its transaction began, which may be before an earlier change.
create sequence if not exists relay.changes;

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
  -- The rest of other channels stays out of reach, and the relay's own are nobody's.
  if template !~ '^[^{}:]+:' or template ~* '^relay:' then
    raise exception 'The template of a channel begins with a name and a colon, such as orders:{room}, and not with relay: got %', template;
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

-- The columns that are sent of a row: the key, and those that are named; null where none is.
create or replace function relay.sent_columns(relation regclass, named text[])
returns text[]
language sql stable set search_path = ''
as $$
  select case when cardinality(named) > 0 then named || array(
    select a.attname::text
    from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
    where i.indrelid = relation and i.indisprimary
  ) end
$$;

create or replace function relay.cut_record(record jsonb, columns text[])
returns jsonb
language sql immutable set search_path = ''
as $$
  select case when columns is null or record is null then record else (
    select coalesce(jsonb_object_agg(key, value), '{}')
    from jsonb_each(record) where key = any(columns)
  ) end
$$;

create or replace function relay.send_change(
  operation text, relation regclass, topic text, record jsonb, old_record jsonb, columns text[]
)
returns void
language plpgsql set search_path = '' set timezone = 'UTC'
as $$
declare
  payload jsonb;
begin
  if topic is null then
    return;
  end if;
  select jsonb_build_object(
    'operation', operation,
    'schema', n.nspname,
    'table', c.relname,
    'record', relay.cut_record(record, columns),
    'old_record', relay.cut_record(old_record, columns),
    'seq', nextval('relay.changes')
  )
  into payload
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.oid = relation;
  perform realtime.send(payload, operation, topic, true);
end
$$;

-- A row that changes its channel leaves the old one and comes to the new one.
create or replace function relay.send_row(
  relation regclass, template text, columns text[], old_row jsonb, new_row jsonb
)
returns void
language plpgsql set search_path = ''
as $$
declare
  old_topic text := case when old_row is not null then relay.topic_of(template, old_row) end;
  new_topic text := case when new_row is not null then relay.topic_of(template, new_row) end;
begin
  if old_topic = new_topic then
    perform relay.send_change('UPDATE', relation, new_topic, new_row, old_row, columns);
    return;
  end if;
  perform relay.send_change('DELETE', relation, old_topic, null, old_row, columns);
  perform relay.send_change('INSERT', relation, new_topic, new_row, null, columns);
end
$$;

create or replace function relay.broadcast_row()
returns trigger
-- realtime.send() runs with the rights of its caller, who has none there.
language plpgsql security definer set search_path = ''
set timezone = 'UTC'
-- realtime.messages is locked while partitions are made: whoever writes does not wait for that.
set lock_timeout = '500ms'
as $$
begin
  perform relay.send_row(
    tg_relid,
    tg_argv[0],
    relay.sent_columns(tg_relid, array(select unnest(tg_argv[1:]))),
    case when tg_op <> 'INSERT' then to_jsonb(old) end,
    case when tg_op <> 'DELETE' then to_jsonb(new) end
  );
  return null;
-- A write is never lost because its broadcast failed; `others` does not cover the latter two.
exception when others or query_canceled or assert_failure then
  raise warning 'a change of %.% was not broadcast: %', tg_table_schema, tg_table_name, sqlerrm;
  return null;
end
$$;

-- The same for a whole statement. Above 200 rows of one channel its message says only how many there
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
  key constant text[] := array(
    select a.attname::text
    from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
    where i.indrelid = tg_relid and i.indisprimary
  );
  befores jsonb[] := '{}';
  afters jsonb[] := '{}';
  many jsonb;
  change record;
begin
  if tg_op <> 'INSERT' then
    befores := array(select to_jsonb(old_rows.*) from old_rows);
  end if;
  if tg_op <> 'DELETE' then
    afters := array(select to_jsonb(new_rows.*) from new_rows);
  end if;

  select coalesce(jsonb_object_agg(topic, rows), '{}') into many
  from (
    select topic, count(*) as rows
    from (
      -- A row counts once for each channel that hears of it.
      select relay.topic_of(template, row_of) as topic, relay.cut_record(row_of, key) as id
      from unnest(befores) as row_of
      union
      select relay.topic_of(template, row_of), relay.cut_record(row_of, key)
      from unnest(afters) as row_of
    ) as touched
    where topic is not null
    group by topic having count(*) > most
  ) as crowded;
  for change in select topic, count from jsonb_each(many) as crowded (topic, count) loop
    perform realtime.send(
      jsonb_build_object(
        'operation', 'MANY', 'schema', tg_table_schema, 'table', tg_table_name,
        'count', change.count, 'seq', nextval('relay.changes')
      ),
      'MANY', change.topic, true
    );
  end loop;

  for change in
    select before, after
    from unnest(befores) with ordinality as b (before, place)
    full join unnest(afters) with ordinality as a (after, place)
      on relay.cut_record(before, key) = relay.cut_record(after, key)
    order by coalesce(a.place, b.place)
  loop
    perform relay.send_row(
      tg_relid, template, columns,
      case when many ? relay.topic_of(template, change.before) then null else change.before end,
      case when many ? relay.topic_of(template, change.after) then null else change.after end
    );
  end loop;
  return null;
exception when others or query_canceled or assert_failure then
  raise warning 'changes of %.% were not broadcast: %', tg_table_schema, tg_table_name, sqlerrm;
  return null;
end
$$;

-- Follows a table: makes, or makes anew, the triggers that broadcast its changes, statement by statement.
create or replace function relay.follow(relation regclass, template text, variadic columns text[] default '{}')
returns void
language plpgsql set search_path = ''
as $$
declare
  arguments constant text := (
    select string_agg(quote_literal(argument), ', ' order by place)
    from unnest(template || columns) with ordinality as t (argument, place)
  );
  missing text;
begin
  -- A wrong name is told here, not by a warning at each write.
  select string_agg(name, ', ') into missing
  from (
    select unnest(columns) as name
    union
    select (regexp_matches(template, '\{([^{}]+)\}', 'g'))[1]
  ) as names
  where not exists (
    select from pg_catalog.pg_attribute
    where attrelid = relation and attname = name and attnum > 0 and not attisdropped
  );
  if missing is not null then
    raise exception '% has no column %', relation, missing;
  end if;
  perform relay.topic_of(regexp_replace(template, '\{[^{}]+\}', 'x', 'g'), '{}');
  if not exists (select from pg_catalog.pg_index where indrelid = relation and indisprimary) then
    raise exception '% has no primary key, by which its rows could be told apart', relation;
  end if;
  execute format(
    'create or replace trigger relay_follow_insert after insert on %s referencing new table as new_rows '
    'for each statement execute function relay.broadcast_rows(%s)', relation, arguments);
  execute format(
    'create or replace trigger relay_follow_update after update on %s '
    'referencing old table as old_rows new table as new_rows '
    'for each statement execute function relay.broadcast_rows(%s)', relation, arguments);
  execute format(
    'create or replace trigger relay_follow_delete after delete on %s referencing old table as old_rows '
    'for each statement execute function relay.broadcast_rows(%s)', relation, arguments);
end
$$;

revoke all on all functions in schema relay from public, anon, authenticated, service_role;
