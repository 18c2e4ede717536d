-- What the links page asks besides: whose a link is, and which clicks its count holds.

do $$
begin
  if to_regclass('public.link_stats') is null or not exists (
    select from pg_attribute
    where attrelid = 'public.url_clicks'::regclass and attname = 'id' and not attisdropped
  ) then
    raise notice 'public.url_clicks has no column id, or there is no view link_stats: it stays as it is.';
    return;
  end if;

  -- A view that is there keeps its columns and rights, and takes new columns at its end.
  create or replace view public.link_stats with (security_invoker = true) as
    select
      link.slug,
      link.title,
      link.target_url,
      link.is_public,
      link.created_at,
      count(click.slug) as clicks,
      max(click.clicked_at) as last_clicked_at,
      coalesce(link.owner = (select auth.uid()), false) as own,
      -- Which clicks the count holds, seen at the same moment as it: whoever goes on counting live
      -- tells by these ids what is in it already. More than a hundred do not overtake each other.
      array(
        select newest.id from public.url_clicks as newest
        where newest.slug = link.slug order by newest.clicked_at desc, newest.id desc limit 100
      ) as newest_ids
    from public.short_links as link
    left join public.url_clicks as click on click.slug = link.slug
    group by link.slug;
end
$$;
