create table public.p18a (id int8 primary key, t text);
create table public.p18b (id int8 primary key, t text);
alter publication supabase_realtime add table public.p18a, public.p18b;

create table public.p14dr (id int8 primary key, a text, n int4);
alter table public.p14dr enable row level security;
create policy everybody on public.p14dr for select to anon using (true);
alter publication supabase_realtime add table public.p14dr;
