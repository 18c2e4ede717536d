-- How often each link was opened: the first count of the links page, which Realtime counts on.

do $$
begin
  if (
    select count(*) from pg_attribute
    where attrelid = 'public.url_clicks'::regclass
      and attname in ('slug', 'clicked_at') and not attisdropped
  ) < 2 then
    raise notice 'public.url_clicks has no column slug or clicked_at: the view link_stats is not made.';
    return;
  end if;

  -- Run by hand once more: a view cannot lose the columns that a later migration gave it.
  if exists (
    select from pg_attribute
    where attrelid = to_regclass('public.link_stats') and attname = 'newest_ids'
  ) then
    return;
  end if;

  -- security_invoker: without it the view would count with its owner's eyes, private links and all.
  create or replace view public.link_stats with (security_invoker = true) as
    select
      link.slug,
      link.title,
      link.target_url,
      link.is_public,
      link.created_at,
      count(click.slug) as clicks,
      max(click.clicked_at) as last_clicked_at
    from public.short_links as link
    left join public.url_clicks as click on click.slug = link.slug
    group by link.slug;

  -- Views get every right on hosted projects, too.
  revoke all on table public.link_stats from public, anon, authenticated, service_role;
  -- Reading is all that can be done with counts; the tables' policies decide what is seen.
  grant select on public.link_stats to anon, authenticated, service_role;
end
$$;
