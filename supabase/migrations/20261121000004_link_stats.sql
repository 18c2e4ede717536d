-- How often each link was opened: the first count of the links page, which Realtime counts on.

do $$
begin
  if (
    select count(*) from pg_attribute
    where attrelid = 'public.url_clicks'::regclass
      and attname in ('id', 'slug', 'clicked_at') and not attisdropped
  ) < 3 then
    raise notice 'public.url_clicks has no column id, slug or clicked_at: the view link_stats is not made.';
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
      coalesce(link.owner = (select auth.uid()), false) as own,
      count(click.slug) as clicks,
      max(click.clicked_at) as last_clicked_at,
      -- Which clicks the count holds, seen at the same moment as it: whoever goes on counting live
      -- tells by these ids what is in it already. More than a hundred do not overtake each other.
      array(
        select newest.id from public.url_clicks as newest
        where newest.slug = link.slug order by newest.clicked_at desc, newest.id desc limit 100
      ) as newest_ids
    from public.short_links as link
    left join public.url_clicks as click on click.slug = link.slug
    group by link.slug;

  -- Views get every right on hosted projects, too.
  revoke all on table public.link_stats from public, anon, authenticated, service_role;
  -- Reading is all that can be done with counts; the tables' policies decide what is seen.
  grant select on public.link_stats to anon, authenticated, service_role;
end
$$;
