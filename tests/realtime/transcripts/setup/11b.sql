create type public.p11_mood as enum ('sad', 'ok', 'happy');
create table public.p11 (
  id int8 primary key, i8 int8, t text, b bool, ts timestamptz, u uuid, num numeric,
  m public.p11_mood
);
create table public.p11q (id int8 primary key, t text, "Camel" int4);
-- Published too: the filter on id does not fit every table.
create table public.p14x (a text, n int4);
alter publication supabase_realtime add table public.p11, public.p11q, public.p14x;
