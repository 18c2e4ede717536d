-- Which rows of a batch pass a filter.

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
