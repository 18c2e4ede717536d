create table public.notes (
  slug text primary key,
  body text not null,
  owner uuid not null default auth.uid() references auth.users (id)
);

alter table public.notes enable row level security;

create policy "notes are read by who is signed in" on public.notes for select to authenticated
  using (true);

create policy "users write notes of their own" on public.notes for insert to authenticated
  with check (owner = (select auth.uid()));

alter publication supabase_realtime add table public.notes;
