-- Probes the rights on a private topic the way the original does: rows are put into
-- realtime.messages in the name of the client, and everything is rolled back. They say their topic
-- and extension and nothing else: `private` too is what the column's default makes of it.

-- Takes on the client's role, with all that its policies may ask about it.
create function local_realtime.become(who jsonb) returns void language sql as $$
  select set_config('role', who ->> 'role', true),
    set_config('realtime.topic', who ->> 'topic', true),
    set_config('request.jwt.claims', who ->> 'claims', true),
    set_config('request.jwt.claim.sub', who ->> 'sub', true),
    set_config('request.jwt.claim.role', who ->> 'role', true),
    set_config('request.headers', who ->> 'headers', true)
$$;

-- Of these extensions those of which this client may receive messages on the topic.
create function local_realtime.may_read(who jsonb, presence boolean)
returns text[] language plpgsql as $$
declare
  topic text := who ->> 'topic';
  ids uuid[] := array[gen_random_uuid(), gen_random_uuid()];
  allowed text[];
begin
  begin
    insert into realtime.messages (id, topic, extension) values (ids[1], topic, 'broadcast');
    if presence then
      insert into realtime.messages (id, topic, extension) values (ids[2], topic, 'presence');
    end if;
    perform local_realtime.become(who);
    allowed := array(select m.extension from realtime.messages m where m.id = any (ids));
    raise sqlstate 'RT000';
  exception when sqlstate 'RT000' then
    return allowed;
  end;
end
$$;

-- The extensions of which this client may send messages to the topic: both are asked at once, so
-- that a policy which fails for one grants none.
create function local_realtime.may_write(who jsonb)
returns text[] language plpgsql as $$
declare
  topic text := who ->> 'topic';
  allowed text[] := '{}';
  extension text;
begin
  begin
    perform local_realtime.become(who);
    foreach extension in array array['broadcast', 'presence'] loop
      begin
        insert into realtime.messages (topic, extension) values (topic, extension);
        allowed := allowed || extension;
      exception when insufficient_privilege then
        null;
      end;
    end loop;
    raise sqlstate 'RT000';
  exception when sqlstate 'RT000' then
    return allowed;
  end;
end
$$;
