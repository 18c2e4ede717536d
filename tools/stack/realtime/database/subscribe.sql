-- What a postgres_changes binding stands for: the published tables it names, each checked with
-- the rights of the role that asks. Raises what the original raises.

-- `filters` is a list of {column, op, value, not}; `columns` null for all. A `*` names everything,
-- and names are patterns of LIKE as they stand, in which a backslash is a letter, as in the original.
create function local_realtime.subscribe(
  publication text, schema_name text, table_name text, filters jsonb, columns text[], role text
) returns oid[] language plpgsql as $$
declare
  entity regclass;
  entities oid[] := '{}';
begin
  for entity in
    select format('%I.%I', schemaname, tablename)::regclass from pg_publication_tables
    where pubname = publication
      and schemaname like case schema_name when '*' then '%' else schema_name end escape ''
      and tablename like case table_name when '*' then '%' else table_name end escape ''
  loop
    perform local_realtime.check_binding(entity, quote_ident(role)::regrole, filters, columns);
    entities := entities || entity::oid;
  end loop;
  return entities;
end
$$;

create function local_realtime.check_binding(
  entity regclass, role regrole, filters jsonb, columns text[]
) returns void language plpgsql as $$
declare
  filter record;
  type regtype;
  name text;
begin
  for filter in
    select * from jsonb_to_recordset(filters) as f ("column" text, op text, value text)
  loop
    type := (
      select atttypid from pg_attribute
      where attrelid = entity and attname = filter.column and attnum > 0
        and has_column_privilege(role, entity, attnum, 'select')
    );
    if type is null then
      raise 'invalid column for filter %', filter.column;
    end if;
    perform local_realtime.check_filter(type, filter.op, filter.value);
  end loop;
  foreach name in array coalesce(columns, '{}') loop
    perform from pg_attribute
    where attrelid = entity and attname = name and attnum > 0
      and has_column_privilege(role, entity, attnum, 'select');
    if not found then
      raise 'invalid column for select %', name;
    end if;
  end loop;
end
$$;
