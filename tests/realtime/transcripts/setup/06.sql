create table public.url_clicks (
  id bigserial primary key, user_id uuid, url text, n int4 default 0, meta jsonb,
  created_at timestamptz default now()
);
alter table public.url_clicks enable row level security;
alter table public.url_clicks replica identity full;
create policy own on public.url_clicks for select to authenticated using (user_id = auth.uid());
alter publication supabase_realtime add table public.url_clicks;
-- The first id was used before the recording.
select nextval('public.url_clicks_id_seq');

create table public.open_notes (id bigserial primary key, body text, n int4);
alter publication supabase_realtime add table public.open_notes;

create table public.not_published (id int8 primary key);
