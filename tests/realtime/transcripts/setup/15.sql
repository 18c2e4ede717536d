create table public.p15 (id int8 primary key, t text);
alter publication supabase_realtime add table public.p15;

create table public.not_published (id int8 primary key);
