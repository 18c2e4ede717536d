-- The channel clicks:<slug> is named by the slug alone, and Realtime keeps its messages: whoever took the
-- slug of a link that went could read that one's clicks. So a slug is held for its owner as long as they
-- are kept.
--
-- No policy would do: a replay is read past the policies, and only the join asks them.

create table if not exists public.held_slugs (
  slug text primary key,
  -- Null: nobody's. No reference: it counts when the user is gone, too.
  owner uuid,
  until timestamptz not null
);
create index if not exists held_slugs_owner_idx on public.held_slugs (owner);
create index if not exists held_slugs_until_idx on public.held_slugs (until);

revoke all on table public.held_slugs from public, anon, authenticated, service_role;
alter table public.held_slugs enable row level security;

-- Behind the delete, or the change, of links.
create or replace function public.hold_slugs()
returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  left_slugs text[];
begin
  if tg_op = 'DELETE' then
    left_slugs := array(select slug from old_links);
  else
    left_slugs := array(select slug from old_links except select slug from new_links);
  end if;
  if cardinality(left_slugs) = 0 then
    return null;
  end if;

  insert into public.held_slugs as held (slug, owner, until)
  -- Messages go by the day, once the whole of it is 72 hours old; and Realtime looks every few hours.
  select slug, owner, now() + interval '5 days' from old_links where slug = any (left_slugs)
  on conflict (slug) do update set owner = excluded.owner, until = excluded.until;

  delete from public.held_slugs where slug in (
    select slug from public.held_slugs where until <= now() limit 1000 for update skip locked
  );
  -- Nobody fills the table by making and deleting links without end.
  delete from public.held_slugs where slug in (
    select slug
    from (
      select slug, row_number() over (partition by owner order by until desc) as n
      from public.held_slugs where owner in (select owner from old_links)
    ) as held
    where n > 1000
  );
  return null;
end
$$;

-- Refuses the slug that is held for somebody else.
create or replace function public.refuse_held_slug()
returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  if exists (
    select from public.held_slugs as held
    where held.slug = new.slug and held.until > now() and held.owner is distinct from new.owner
  ) then
    raise exception using
      -- As for a link that is there: to whoever asks for the slug it is taken.
      errcode = 'unique_violation',
      message = format('The slug %s was another owner''s a few days ago.', new.slug),
      hint = 'Its last clicks can still be read. Take another slug.';
  end if;
  return null;
end
$$;

-- Only triggers call them.
revoke all on function public.hold_slugs()
  from public, anon, authenticated, service_role;
revoke all on function public.refuse_held_slug()
  from public, anon, authenticated, service_role;

create or replace trigger hold_deleted_slugs
  after delete on public.short_links referencing old table as old_links
  for each statement execute function public.hold_slugs();

create or replace trigger hold_changed_slugs
  after update on public.short_links referencing old table as old_links new table as new_links
  for each statement execute function public.hold_slugs();

-- Behind the write: who waited for a link to go sees then that its slug is held. The server's key is
-- refused as well, since it takes slugs for others; the owner of the table is not.
create or replace trigger refuse_held_slug
  after insert or update of slug on public.short_links
  for each row when (current_setting('role') not in ('none', 'postgres'))
  execute function public.refuse_held_slug();
