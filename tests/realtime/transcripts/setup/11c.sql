create table public.p11u (id int8 primary key, n int4, t text);

create table public.p11f (id int8 primary key, n int4, t text);
alter table public.p11f replica identity full;

create table public.p11r (id int8 primary key, n int4, t text);
alter table public.p11r replica identity full;
alter table public.p11r enable row level security;
create policy everybody on public.p11r for select to anon using (true);

alter publication supabase_realtime add table public.p11u, public.p11f, public.p11r;
