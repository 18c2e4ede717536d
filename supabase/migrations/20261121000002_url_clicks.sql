-- One row for each time a short link was opened. Rows that anybody may see hold nothing about a
-- person: no IP address, no user agent.
--
-- A url_clicks of another shape, which a project may have already, is left as it is: with other
-- columns these rights could show what its owner means to hide.

do $$
declare
  shape text;
  id_sequence text;
begin
  if to_regclass('public.url_clicks') is null then
    create table public.url_clicks (
      id bigint generated always as identity primary key,
      slug text not null references public.short_links (slug) on delete cascade,
      clicked_at timestamptz not null default now(),
      -- A host name, never the whole address: paths and queries can name people.
      referrer_host text check (
        length(referrer_host) <= 253 and referrer_host ~ '^[^[:space:]/?#@]+$'
      ),
      country text check (country ~ '^[A-Z]{2}$')
    );
  end if;

  select string_agg(attname || ' ' || format_type(atttypid, null), ', ' order by attname)
  into shape
  from pg_attribute join pg_class on pg_class.oid = attrelid
  where attrelid = 'public.url_clicks'::regclass and relkind = 'r'
    and pg_has_role(relowner, 'usage')
    and attnum > 0 and not attisdropped;
  if shape is distinct from 'clicked_at timestamp with time zone, country text, id bigint, '
    'referrer_host text, slug text'
  then
    raise notice 'public.url_clicks exists already, with other columns or of another role: its columns, data and rights are left alone. Left to its owner: row level security, policies and grants for who may read and insert, and the columns slug, referrer_host and country if open_short_link() is to record clicks in it.';
    return;
  end if;

  -- The clicks of one link in order; also what deleting a link looks through.
  create index if not exists url_clicks_slug_clicked_at_idx
    on public.url_clicks (slug, clicked_at);

  -- Hosted projects give the API roles every right on a new table and its sequence: take it back.
  revoke all on table public.url_clicks from public, anon, authenticated, service_role;
  id_sequence := pg_get_serial_sequence('public.url_clicks', 'id');
  if id_sequence is not null then
    execute format(
      'revoke all on sequence %s from public, anon, authenticated, service_role', id_sequence
    );
  end if;
  -- Who may see which rows is for the policies to say.
  grant select on public.url_clicks to anon, authenticated, service_role;
  -- These columns only: nobody forges a time or an id, the server's own key included.
  grant insert (slug, referrer_host, country) on public.url_clicks
    to anon, authenticated, service_role;
  -- For clearing old clicks away.
  grant delete on public.url_clicks to service_role;

  alter table public.url_clicks enable row level security;

  -- Whoever sees a link sees its clicks: the policies of short_links hold in this subquery.
  drop policy if exists "clicks of visible links are visible" on public.url_clicks;
  create policy "clicks of visible links are visible"
    on public.url_clicks for select to anon, authenticated
    using (exists (select from public.short_links as link where link.slug = url_clicks.slug));

  -- Anybody may report a click on a link that exists, also on a private one.
  drop policy if exists "anybody adds clicks of existing links" on public.url_clicks;
  create policy "anybody adds clicks of existing links"
    on public.url_clicks for insert to anon, authenticated
    with check (public.short_link_exists(slug));
end
$$;
