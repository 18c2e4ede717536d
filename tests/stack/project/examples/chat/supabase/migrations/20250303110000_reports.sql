create schema reports;
grant usage on schema reports to anon, authenticated, service_role;

create view reports.busiest with (security_invoker = true) as
  select room_id, count(*) as messages from public.messages group by room_id;
grant select on reports.busiest to authenticated, service_role;
