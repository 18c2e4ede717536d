-- Opens a link: returns its target, null if there is none, and records the click. All that the
-- redirect function needs, so private links open without being visible.
--
-- With counted => false only the target is returned: for HEAD requests and link previews.
create or replace function public.open_short_link(
  slug text,
  referrer_host text default null,
  country text default null,
  counted boolean default true
)
returns text
language plpgsql security definer set search_path = ''
as $$
declare
  target text;
begin
  select link.target_url into target
  from public.short_links as link where link.slug = open_short_link.slug;
  if target is null or not coalesce(counted, true) then
    return target;
  end if;

  -- Headers hold anything: what does not fit the column is dropped, the click is not.
  if length(referrer_host) > 253 or referrer_host !~ '^[^[:space:]/?#@]+$' then
    referrer_host := null;
  end if;
  if country !~ '^[A-Z]{2}$' then
    country := null;
  end if;

  begin
    insert into public.url_clicks (slug, referrer_host, country)
    values (open_short_link.slug, open_short_link.referrer_host, open_short_link.country);
  exception when others then
    -- The visitor came for the target. A url_clicks of another shape may refuse the row.
    raise warning 'click on % was not recorded: %', open_short_link.slug, sqlerrm;
  end;
  return target;
end
$$;

revoke all on function public.open_short_link(text, text, text, boolean)
  from public, anon, authenticated, service_role;
-- Everybody who has a link may open it. The redirect function asks as anon.
grant execute on function public.open_short_link(text, text, text, boolean)
  to anon, authenticated;
