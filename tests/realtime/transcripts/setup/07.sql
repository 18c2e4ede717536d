create table public.open_notes (id bigserial primary key, body text, n int4);
alter publication supabase_realtime add table public.open_notes;
