-- Probes the rights on a private topic the way the original does: rows are put into
-- realtime.messages in the name of the client, and everything is rolled back. They say their topic
-- and extension and nothing else: `private` too is what the column's default makes of it.

-- The extensions of which this client may receive messages on the topic.
create function local_realtime.may_read(topic text, role text, claims text)
returns text[] language plpgsql as $$
declare
  ids uuid[] := array[gen_random_uuid(), gen_random_uuid()];
  allowed text[];
begin
  begin
    insert into realtime.messages (id, topic, extension)
    values (ids[1], topic, 'broadcast'), (ids[2], topic, 'presence');
    perform set_config('role', role, true), set_config('request.jwt.claims', claims, true),
      set_config('realtime.topic', topic, true);
    allowed := array(select m.extension from realtime.messages m where m.id = any (ids));
    raise sqlstate 'RT000';
  exception when sqlstate 'RT000' then
    return allowed;
  end;
end
$$;

-- Whether this client may send messages of the extension to the topic.
create function local_realtime.may_write(topic text, role text, claims text, extension text)
returns boolean language plpgsql as $$
begin
  begin
    perform set_config('role', role, true), set_config('request.jwt.claims', claims, true),
      set_config('realtime.topic', topic, true);
    insert into realtime.messages (topic, extension) values (topic, extension);
    raise sqlstate 'RT000';
  exception
    when sqlstate 'RT000' then return true;
    when insufficient_privilege then return false;
  end;
end
$$;
