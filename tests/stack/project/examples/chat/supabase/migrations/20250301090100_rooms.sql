create extension if not exists pg_trgm with schema extensions;

create type public.member_role as enum ('owner', 'moderator', 'member');

create table public.rooms (
  id uuid primary key default gen_random_uuid(),
  slug text not null unique,
  created_by uuid not null default auth.uid() references public.profiles,
  created_at timestamptz not null default now()
);

create table public.room_members (
  room_id uuid not null references public.rooms on delete cascade,
  user_id uuid not null references public.profiles on delete cascade,
  role public.member_role not null default 'member',
  primary key (room_id, user_id)
);

create table public.messages (
  id bigint generated always as identity primary key,
  room_id uuid not null references public.rooms on delete cascade,
  user_id uuid not null default auth.uid() references public.profiles,
  content text not null check (char_length(content) <= 4000),
  inserted_at timestamptz not null default now()
);
create index messages_content_trgm on public.messages
  using gin (content extensions.gin_trgm_ops);
create index messages_room on public.messages (room_id, inserted_at desc);

create schema if not exists private;
grant usage on schema private to authenticated;

create function private.role_in(room uuid) returns public.member_role
language sql stable security definer set search_path = '' as $$
  select role from public.room_members
  where room_id = room and user_id = (select auth.uid())
$$;

alter table public.rooms enable row level security;
alter table public.room_members enable row level security;
alter table public.messages enable row level security;

create policy "members see rooms" on public.rooms for select to authenticated
  using (private.role_in(id) is not null or created_by = (select auth.uid()));
create policy "anybody signed in opens a room" on public.rooms for insert to authenticated
  with check (created_by = (select auth.uid()));
create policy "members see members" on public.room_members for select to authenticated
  using (private.role_in(room_id) is not null);
create policy "owners and moderators add members" on public.room_members
  for insert to authenticated
  with check (private.role_in(room_id) in ('owner', 'moderator'));
create policy "members read" on public.messages for select to authenticated
  using (private.role_in(room_id) is not null);
create policy "members write" on public.messages for insert to authenticated
  with check (user_id = (select auth.uid()) and private.role_in(room_id) is not null);
create policy "moderators delete" on public.messages for delete to authenticated
  using (private.role_in(room_id) in ('owner', 'moderator'));

create function public.add_owner() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.room_members (room_id, user_id, role)
  values (new.id, new.created_by, 'owner');
  return new;
end;
$$;
create trigger add_owner after insert on public.rooms
  for each row execute function public.add_owner();

alter publication supabase_realtime add table public.messages;

-- Who is in a room may join its private channel.
create policy "members join their rooms" on realtime.messages for select to authenticated
  using (
    exists (
      select 1 from public.rooms
      where 'room:' || slug = (select realtime.topic())
    )
  );
