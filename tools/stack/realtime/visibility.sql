-- Who may see which change. One call of local_realtime.visible decides a whole batch: filters
-- first, then the columns that a role may read, then row level security for each of the distinct
-- claims.
-- An error in a filter or a policy is a `failure` for those who asked with it and nobody else.

-- What a filter (id) or a reader (id) says about row n: passed, unless it failed.
create type local_realtime.verdict as (id int, n int, failure text);
-- A row of which group g hears, once variant v has the right and claims c may read it.
create type local_realtime.hit as (g int, v int, c int, n int, passed boolean, failure text);

-- The numbers of the rows that pass all conditions of a filter: the new row of an insert or
-- update, the old one of a delete. A column that the row does not have never matches.
create function local_realtime.matches(
  relation jsonb, rows local_realtime.row[], conditions jsonb
) returns int[] language plpgsql as $$
declare
  test text;
  result int[];
begin
  select string_agg(case when c.type is null then 'false' else
      format('_r ? %L and coalesce(%s, false)', f.column, local_realtime.condition(
        format('_r ->> %L', f.column), c.type::regtype, op, value, f.not
      )) end, ' and ')
  into test
  from jsonb_to_recordset(conditions) as f ("column" text, op text, value text, "not" boolean)
  left join lateral (
    select type from jsonb_to_recordset(relation -> 'columns') as c (name text, type oid)
    where name = f.column
    union all
    select atttypid from pg_attribute where attrelid = (relation ->> 'oid')::oid
      and attname = f.column and attgenerated <> '' and not attisdropped
  ) c on true;
  execute format(
    'select coalesce(array_agg(n), ''{}'') from unnest($1) row_,
      lateral (select case action when ''DELETE'' then old_record else record end as _r) _s
    where %s', coalesce(test, 'true')
  ) into result using rows;
  return result;
end
$$;

-- The same, with what failed beside what passed: a failing row does not take the others with it.
create function local_realtime.filtered(
  relation jsonb, rows local_realtime.row[], conditions jsonb
) returns table (n int, failure text) language plpgsql as $$
begin
  return query
  select m, null::text from unnest(local_realtime.matches(relation, rows, conditions)) m;
exception when others then
  if cardinality(rows) = 1 then
    return query select rows[1].n, concat(sqlstate, ' ', sqlerrm);
  else
    return query select f.* from unnest(rows) r,
      lateral local_realtime.filtered(relation, array[r::local_realtime.row], conditions) f;
  end if;
end
$$;

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

-- The decision for the changes of one table.
create function local_realtime.visible_of(
  relation jsonb, changes jsonb, filters jsonb, variants jsonb, groups jsonb, claims jsonb,
  max_bytes int
) returns table (
  n int, variant int, record text, old_record text, columns text, errors text, refused boolean,
  failure text, groups_ int[]
) language plpgsql as $$
#variable_conflict use_column
declare
  entity oid := (relation ->> 'oid')::oid;
  rls boolean := (select relrowsecurity from pg_class where oid = entity);
  key text[] := local_realtime.primary_key(entity);
  lookup text := local_realtime.lookup(entity);
  rows local_realtime.row[] := local_realtime.rows(relation, changes, max_bytes);
  rights jsonb := (select jsonb_agg(r) from local_realtime.rights(entity, key, variants) r);
  hits local_realtime.hit[];
  reads local_realtime.verdict[];
begin
  hits := array(
    select (g.g, g.v, g.c, r.n, g.f is null or (m.n is not null and m.failure is null),
      m.failure)::local_realtime.hit
    from jsonb_to_recordset(groups) as g (g int, v int, c int, f int, event text)
    join unnest(rows) r on g.event in ('*', r.action)
    left join (
      select x.f, y.* from jsonb_to_recordset(filters) as x (f int, conditions jsonb),
        lateral local_realtime.filtered(relation, rows, x.conditions) y
    ) m on m.f = g.f and m.n = r.n
  );
  reads := array(
    select (k.c, y.n, y.failure)::local_realtime.verdict
    from (
      select h.c, jsonb_agg(distinct r.keys) as keys
      from unnest(hits) h join unnest(rows) r on r.n = h.n
      join jsonb_to_recordset(rights) as v (v int, refusal text) on v.v = h.v
      where rls and h.passed and r.action <> 'DELETE' and v.refusal is null
      group by h.c
    ) k, lateral local_realtime.readable_each(lookup, k.keys, claims -> k.c) y
  );
  return query
  with told as (
    select h.n, h.v, array_agg(h.g order by h.g) as groups_
    from unnest(hits) h join unnest(rows) r on r.n = h.n
    join jsonb_to_recordset(rights) as v (v int, refusal text) on v.v = h.v
    left join unnest(reads) y on y.id = h.c and y.n = h.n
    where (r.action <> 'DELETE' and v.refusal is not null)
      or h.passed and (r.action = 'DELETE' or not rls or (y.n is not null and y.failure is null))
    group by h.n, h.v
  )
  select t.n, t.v,
    case when r.action <> 'DELETE' then
      case when refused then '{}' else
        local_realtime.pick(coalesce(r.old_record, '{}') || r.record, v.names, r.too_large) end
    end,
    case
      when r.action = 'INSERT' then null
      when refused then '{}'
      -- Nobody can be asked any more who might have read a deleted row, so only its key is told.
      when r.action = 'DELETE' and rls then local_realtime.pick(r.old_record,
        array(select unnest(v.names) intersect select unnest(key)), r.too_large)
      else local_realtime.pick(r.old_record, v.names, r.too_large)
    end,
    case when refused then '[]' else v.columns end,
    case when refused then v.refusal when r.too_large then '["Error 413: Payload Too Large"]' end,
    refused, null::text, t.groups_
  from told t join unnest(rows) r on r.n = t.n
  join jsonb_to_recordset(rights) as v (v int, names text[], columns text, refusal text)
    on v.v = t.v,
  lateral (select r.action <> 'DELETE' and v.refusal is not null as refused) x;

  return query
  select h.n, null::int, null::text, null::text, null::text, null::text,
    false, coalesce(h.failure, y.failure), array_agg(h.g)
  from unnest(hits) h left join unnest(reads) y on y.id = h.c and y.n = h.n
  where coalesce(h.failure, y.failure) is not null
  group by h.n, coalesce(h.failure, y.failure);
end
$$;

-- A batch is a list of {relation, changes, filters, variants, groups}, one for each table; claims
-- a list of {role, claims}.
create function local_realtime.visible(batch jsonb, claims jsonb, max_bytes int)
returns table (
  n int, variant int, record text, old_record text, columns text, errors text, refused boolean,
  failure text, groups int[]
) language sql as $$
  select seen.*
  from jsonb_array_elements(batch) as part, lateral local_realtime.visible_of(
    part -> 'relation', part -> 'changes', part -> 'filters', part -> 'variants',
    part -> 'groups', claims, max_bytes
  ) seen
$$;
