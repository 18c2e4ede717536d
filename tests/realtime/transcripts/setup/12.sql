create table public.p12 (id int8 primary key, a text, b text, c int4, secret text);
alter table public.p12 replica identity full;

create table public.p12p (id int8 primary key, a text, secret text);
alter table public.p12p replica identity full;
revoke select on public.p12p from anon;
grant select (id, a) on public.p12p to anon;

create table public.p12k (id int8 primary key, a text);
alter table public.p12k replica identity full;
revoke select on public.p12k from anon;
grant select (a) on public.p12k to anon;

create table public.p12r (id int8 primary key, a text, b text, owner uuid);
alter table public.p12r replica identity full;
alter table public.p12r enable row level security;
create policy own on public.p12r for select to authenticated using (owner = auth.uid());

alter publication supabase_realtime
  add table public.p12, public.p12p, public.p12k, public.p12r;
