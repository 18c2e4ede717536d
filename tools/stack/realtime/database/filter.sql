-- What decides whether a filter may be used, and the condition that it stands for. Values are
-- compared as text cast to the column's type without its length: char(5) is compared as char(1),
-- which is what the original does.

-- The condition of one filter on `value`, an SQL expression of type text, as SQL text.
create function local_realtime.condition(
  value text, type regtype, op text, operand text, negated boolean
) returns text language sql stable as $$
  select format(case when negated then 'not (%s)' else '%s' end,
    case
      when op = 'in' then format('(%s)::%s = any (%L::%s[])', value, type, operand, type)
      when op = 'isdistinct' then
        format('(%s)::%s is distinct from %L::%s', value, type, operand, type)
      when op = 'is' and operand = 'null' then format('(%s)::%s is null', value, type)
      when op = 'is' then format('(%s)::boolean is %s', value, operand)
      when op in ('like', 'ilike', 'match', 'imatch') then
        format('(%s)::%s %s %L', value, type, sign, operand)
      else format('(%s)::%s %s %L::%s', value, type, sign, operand, type)
    end)
  from (values
    ('eq', '='), ('neq', '<>'), ('lt', '<'), ('lte', '<='), ('gt', '>'), ('gte', '>='),
    ('like', '~~'), ('ilike', '~~*'), ('match', '~'), ('imatch', '~*'),
    ('in', ''), ('is', ''), ('isdistinct', '')
  ) as signs (name, sign)
  where name = op
$$;

-- Raises what the original raises when a filter cannot be used on a column of this type.
create function local_realtime.check_filter(
  type regtype, op text, operand text
) returns void language plpgsql as $$
begin
  if op = 'is' then
    if operand not in ('null', 'true', 'false', 'unknown') then
      raise 'invalid value for is filter: must be null, true, false, or unknown';
    elsif operand <> 'null' and type <> 'boolean'::regtype then
      raise 'is % filter requires a boolean column, got %', operand, type;
    end if;
  elsif op in ('like', 'ilike', 'match', 'imatch') then
    -- char and name have like operators of their own; regular expressions are for text alone.
    if type <> 'text'::regtype
      and (op in ('match', 'imatch') or type not in ('bpchar'::regtype, 'name'::regtype))
    then
      raise 'operator % requires a text-compatible column type, got %', op, type;
    elsif op in ('match', 'imatch') then
      begin
        perform '' ~ operand;
      exception when others then
        raise 'invalid regular expression for % filter: %', op, sqlerrm;
      end;
    end if;
  elsif op = 'in' then
    execute format('select %L::%s[]', operand, type);
    if cardinality(operand::text[]) > 100 then
      raise 'too many values for `in` filter. Maximum 100';
    end if;
  else
    execute format('select %L::%s', operand, type);
  end if;
end
$$;
