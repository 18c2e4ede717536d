-- Who may see which change. One call of local_realtime.visible decides a whole batch: filters
-- first, then the columns that a role may read, then row level security for each of the distinct
-- claims.
-- An error in a filter or a policy is a `failure` for those who asked with it and nobody else.

-- What a filter (id) or a reader (id) says about row n: passed, unless it failed.
create type local_realtime.verdict as (id int, n int, failure text);
-- A row of which group g hears, once variant v has the right and claims c may read it.
create type local_realtime.hit as (g int, v int, c int, n int, passed boolean, failure text);

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
  failure text, groups jsonb
) language sql as $$
  select n, variant, record, old_record, columns, errors, refused, failure, to_jsonb(groups_)
  from jsonb_array_elements(batch) as part, lateral local_realtime.visible_of(
    part -> 'relation', part -> 'changes', part -> 'filters', part -> 'variants',
    part -> 'groups', claims, max_bytes
  ) seen
$$;
