-- Short links: /redirect/<slug> leads to target_url. is_public decides who sees a link and its
-- clicks, not who may open it: a private link opens for everybody who has it.

do $$
declare
  missing text;
begin
  select string_agg(name, ', ' order by place) into missing
  from unnest(array['slug', 'target_url', 'title', 'owner', 'is_public', 'created_at'])
    with ordinality as columns (name, place)
  where to_regclass('public.short_links') is not null
    and not exists (
      select from pg_attribute
      where attrelid = to_regclass('public.short_links') and attname = name and not attisdropped
    );
  if missing is not null then
    raise exception 'public.short_links exists already, without the column(s) %. Rename that table (alter table public.short_links rename to ...) and push again.', missing;
  end if;
end
$$;

create table if not exists public.short_links (
  -- What fits into a path and into the name of a channel without escaping.
  slug text primary key check (slug ~ '^[A-Za-z0-9_-]{1,64}$'),
  -- http(s) only: this goes into a Location header. No blanks, so no second header either.
  target_url text not null check (
    target_url ~* '^https?://[^[:space:]]+$' and length(target_url) <= 2048
  ),
  title text check (length(title) <= 200),
  owner uuid default auth.uid() references auth.users (id) on delete cascade,
  is_public boolean not null default true,
  created_at timestamptz not null default now()
);

-- The links of one user; also what deleting a user looks through.
create index if not exists short_links_owner_idx on public.short_links (owner);

-- Hosted projects give the API roles every right on a new table. Take all of it back ...
revoke all on table public.short_links from public, anon, authenticated, service_role;
-- ... then: visitors read what the policies below let them see,
grant select on public.short_links to anon, authenticated;
-- users keep their own links,
grant insert, update, delete on public.short_links to authenticated;
-- and the server's own key, which passes by the policies, keeps all of them.
grant select, insert, update, delete on public.short_links to service_role;

alter table public.short_links enable row level security;

-- Everybody sees public links, owners also their private ones.
drop policy if exists "public links and own links are visible" on public.short_links;
create policy "public links and own links are visible"
  on public.short_links for select to anon, authenticated
  using (is_public or owner = (select auth.uid()));

-- Nobody makes a link in somebody else's name, or one without an owner.
drop policy if exists "users add links of their own" on public.short_links;
create policy "users add links of their own"
  on public.short_links for insert to authenticated
  with check (owner = (select auth.uid()));

-- Owners change their links, and cannot give them away.
drop policy if exists "users change their own links" on public.short_links;
create policy "users change their own links"
  on public.short_links for update to authenticated
  using (owner = (select auth.uid()))
  with check (owner = (select auth.uid()));

drop policy if exists "users delete their own links" on public.short_links;
create policy "users delete their own links"
  on public.short_links for delete to authenticated
  using (owner = (select auth.uid()));

-- Whether a link exists, private ones included: a policy of url_clicks needs to know, and inside
-- a policy the policies of short_links hold as well. Opening a link tells as much.
create or replace function public.short_link_exists(slug text)
returns boolean
language sql stable security definer set search_path = ''
as $$
  select exists (select from public.short_links as link where link.slug = short_link_exists.slug)
$$;

revoke all on function public.short_link_exists(text)
  from public, anon, authenticated, service_role;
-- A policy runs its functions with the rights of whoever inserts.
grant execute on function public.short_link_exists(text) to anon, authenticated;
