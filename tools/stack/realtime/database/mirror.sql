-- What the write-ahead log is read through. The original reads past the column lists and the row
-- filters of supabase_realtime, and pgoutput does not. So the log is read through another
-- publication, local_realtime, of the same tables and operations without lists and filters. It
-- follows the first within the transaction that changes that, so that both begin and end to tell
-- of a table at one time.

create function local_realtime.mirror() returns void
language plpgsql security definer set search_path = '' set event_triggers = off as $$
declare
  given pg_catalog.pg_publication;
  command text;
begin
  select * into given from pg_publication where pubname = 'supabase_realtime';
  -- Only a publication that is made anew can be one of all tables, or no longer.
  if coalesce(given.puballtables, false) is distinct from
    (select puballtables from pg_publication where pubname = 'local_realtime')
  then
    drop publication if exists local_realtime;
    execute 'create publication local_realtime'
      || case when given.puballtables then ' for all tables' else '' end;
  end if;
  for command in
    with tables as (
      select pubname, prrelid::regclass as name
      from pg_publication_rel join pg_publication p on p.oid = prpubid
    ), schemas as (
      select pubname, pnnspid::regnamespace as name
      from pg_publication_namespace join pg_publication p on p.oid = pnpubid
    )
    select verb || ' ' || kind || ' ' || name
    from (values ('drop', 'local_realtime', given.pubname), ('add', given.pubname, 'local_realtime'))
        as side (verb, here, there),
      lateral (
        select 'table only' as kind, name::text from tables where pubname = here
          and name not in (select name from tables where pubname = there)
        union all
        select 'tables in schema', name::text from schemas where pubname = here
          and name not in (select name from schemas where pubname = there)
      ) different
    order by verb desc
  loop
    execute 'alter publication local_realtime ' || command;
  end loop;
  if given.oid is not null then
    execute format(
      'alter publication local_realtime set (publish = %L, publish_via_partition_root = %L)',
      concat_ws(', ', case when given.pubinsert then 'insert' end,
        case when given.pubupdate then 'update' end, case when given.pubdelete then 'delete' end),
      given.pubviaroot::text
    );
  end if;
end
$$;
revoke execute on function local_realtime.mirror() from public;

create function local_realtime.follow_publication() returns event_trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform local_realtime.mirror();
end
$$;

create event trigger local_realtime_follows_publication on ddl_command_end
  when tag in ('CREATE PUBLICATION', 'ALTER PUBLICATION', 'DROP PUBLICATION')
  execute function local_realtime.follow_publication();

select local_realtime.mirror();
