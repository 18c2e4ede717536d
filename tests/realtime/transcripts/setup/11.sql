create type public.p11_mood as enum ('sad', 'ok', 'happy');
create table public.p11 (
  id int8 primary key, i8 int8, t text, b bool, ts timestamptz, u uuid, num numeric,
  m public.p11_mood
);

create domain public.p13_email as text check (value like '%@%');
create table public.p11c (
  id int8 primary key, c char(5), bits bit(4), vc varchar(10), d public.p13_email
);

create table public.p11v (
  id int8 primary key, vc varchar(10), nm name, c char(5), jb jsonb, ip inet, d date, arr int4[]
);

alter publication supabase_realtime add table public.p11, public.p11c, public.p11v;
