create table public.p22t (id int8 primary key);
alter publication supabase_realtime add table public.p22t;
