-- What a role may read of a table: which rows, by its policies, and which columns, by its grants.

-- The question by which a role finds rows of a table by their primary key, $1 being a list of
-- keys: a lookup for each, never a scan, since a policy that fails on another row is not ours.
create function local_realtime.lookup(entity regclass) returns text
language sql stable as $$
  select format(
    'select coalesce(array_agg(_n), ''{}'') from jsonb_to_recordset($1) as _k (_n int, %s)
    where (select true from %s as _t where %s)',
    string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', '),
    entity,
    string_agg(format('_t.%1$I = _k.%1$I', attname), ' and ')
  )
  from pg_index join pg_attribute on attrelid = indrelid and attnum = any (indkey)
  where indrelid = entity and indisprimary
$$;

-- The numbers of the rows that the reader, {role, claims}, finds.
create function local_realtime.readable(lookup text, keys jsonb, reader jsonb)
returns int[] language plpgsql as $$
declare
  result int[];
begin
  perform set_config('role', reader ->> 'role', true),
    set_config('request.jwt.claims', reader ->> 'claims', true);
  execute lookup into result using keys;
  perform set_config('role', 'none', true);
  return result;
end
$$;

-- The same, with what failed beside what was found: one row's failure is no other row's.
create function local_realtime.readable_each(lookup text, keys jsonb, reader jsonb)
returns table (n int, failure text) language plpgsql as $$
begin
  return query
  select m, null::text from unnest(local_realtime.readable(lookup, keys, reader)) m;
exception when others then
  if jsonb_array_length(keys) = 1 then
    return query select (keys -> 0 ->> '_n')::int, concat(sqlstate, ' ', sqlerrm);
  else
    return query select f.* from jsonb_array_elements(keys) k,
      lateral local_realtime.readable_each(lookup, jsonb_build_array(k), reader) f;
  end if;
end
$$;

-- What each variant, a role with the columns asked for, gets of a table: the names it may read,
-- their description, and why it gets no records at all. A role that is gone may read nothing.
create function local_realtime.rights(entity oid, key text[], variants jsonb)
returns table (v int, names text[], columns text, refusal text) language sql stable as $$
  select v, array_agg(attname::text) filter (where chosen and may),
    coalesce(jsonb_agg(jsonb_build_object('name', attname, 'type', typname) order by attnum)
      filter (where chosen and may), '[]')::text,
    case
      when not bool_or(is_key) then '["Error 400: Bad Request, no primary key"]'
      when bool_or(is_key and not may) then '["Error 401: Unauthorized"]'
    end
  from jsonb_to_recordset(variants) as x (v int, role text, "select" jsonb),
    lateral (
      select attnum, attname, typname, is_key, is_key or coalesce("select" ? attname, true) chosen,
        coalesce(has_column_privilege(to_regrole(quote_ident(role)), entity, attnum, 'select'),
          false) as may
      from pg_attribute join pg_type on pg_type.oid = atttypid,
        lateral (select attname = any (key) as is_key) k
      where attrelid = entity and attnum > 0 and not attisdropped
    ) a
  group by v
$$;

-- A record with the columns that may be seen; of one too large for a frame only the small ones.
create function local_realtime.pick(record jsonb, names text[], too_large boolean)
returns text language sql stable as $$
  select coalesce(jsonb_object_agg(key, value), '{}')::text from jsonb_each(record)
  where key = any (names) and (not too_large or octet_length(value::text) <= 64)
$$;
