-- The changes of one table as Postgres sees them: values arrive as the text that the write-ahead
-- log holds and are cast to the type of their column, so that filters compare and to_jsonb prints
-- them as the type does.

create type local_realtime.row as (
  n int, action text, record jsonb, old_record jsonb, keys jsonb, too_large boolean
);

-- The names of a table's primary key.
create function local_realtime.primary_key(entity oid) returns text[]
language sql stable as $$
  select coalesce(array_agg(attname::text), '{}')
  from pg_index join pg_attribute on attrelid = indrelid and attnum = any (indkey)
  where indrelid = entity and indisprimary
$$;

-- The expressions that print the columns of a table, each as ('name', jsonb). Generated columns
-- are not in the log: they are computed from those that are.
create function local_realtime.printers(relation jsonb) returns text
language sql stable as $$
  select string_agg(format('(%L, %s)', name, printer), ', ') from (
    select c.name, case
        when c.type = 'bytea'::regtype then format('to_jsonb(substr(_v ->> %L, 3))', c.name)
        else format('to_jsonb(_t.%I)', c.name)
      end as printer
    from jsonb_to_recordset(relation -> 'columns') as c (name text, type oid)
    union all
    select attname, format('to_jsonb(%s)', pg_get_expr(adbin, adrelid))
    from pg_attribute join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attrelid = (relation ->> 'oid')::oid and attgenerated = 's' and not attisdropped
      and not (relation -> 'names') ? attname
  ) printed
$$;

-- The typed columns those expressions are written against. A number that JSON cannot say is null.
create function local_realtime.casts(relation jsonb) returns text
language sql stable as $$
  select string_agg(format(
    case
      when c.type in ('numeric'::regtype, 'real'::regtype, 'double precision'::regtype)
        then '(case when _v ->> %1$L not in (''NaN'', ''Infinity'', ''-Infinity'') '
          'then _v ->> %1$L end)::%3$s as %2$I'
      else '(_v ->> %1$L)::%3$s as %2$I'
    end, c.name, c.name, c.type::regtype
  ), ', ')
  from jsonb_to_recordset(relation -> 'columns') as c (name text, type oid)
$$;

-- The changes of one table, cast. An absent value (unchanged TOAST) stays absent, and generated
-- columns are there where all that they can depend on is.
create function local_realtime.rows(relation jsonb, changes jsonb, max_bytes int)
returns local_realtime.row[] language plpgsql as $$
declare
  -- Prints _v, one side of a change; _whole says that nothing of the row is missing in it.
  printed text := format(
    '_s, lateral (select %s) _t, lateral (values %s) _p (_k, _j)
    where _v ? _k or (_whole and not %L::jsonb ? _k)',
    local_realtime.casts(relation), local_realtime.printers(relation), relation -> 'names'
  );
  key text[] := local_realtime.primary_key((relation ->> 'oid')::oid);
  result local_realtime.row[];
begin
  execute
    'select array_agg(row(_n, action, record, old_record,
        (select jsonb_object_agg(k, new -> k) from unnest($2) k) || jsonb_build_object(''_n'', _n),
        octet_length(concat(record, old_record)) > $3
      )::local_realtime.row order by _n)
    from jsonb_to_recordset($1) as c (_n int, action text, new jsonb, old jsonb),
    lateral (select
      (select jsonb_object_agg(_k, _j) from (select new as _v, new is not null as _whole) '
        || printed || ') as record,
      (select jsonb_object_agg(_k, _j) from (select old as _v, old is not null and $4 as _whole) '
        || printed || ') as old_record
    ) r'
  into result using changes, key, max_bytes, (relation ->> 'full')::boolean;
  return result;
end
$$;
