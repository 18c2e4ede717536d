-- Postgres Changes: Realtime listens to the tables of the publication supabase_realtime.

do $$
declare
  clicks regclass := 'public.url_clicks';
begin
  if not exists (select from pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;

  -- Also true for a publication FOR ALL TABLES or of the whole schema: nothing can be added there.
  if exists (
    select from pg_publication_tables
    where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'url_clicks'
  ) then
    return;
  end if;

  -- Without row level security every subscriber would get every row.
  if not (select relrowsecurity from pg_class where oid = clicks) then
    raise notice 'public.url_clicks has no row level security and is not published. Left to you: enable it, add policies, then: alter publication supabase_realtime add table public.url_clicks;';
    return;
  end if;

  -- Without a replica identity (a primary key, usually) publishing a table makes its updates and
  -- deletes fail.
  if not exists (
    select from pg_class as c where c.oid = clicks and (
      c.relreplident = 'f'
      or exists (
        select from pg_index as i where i.indrelid = c.oid
          and case c.relreplident when 'i' then i.indisreplident when 'd' then i.indisprimary end
      )
    )
  ) then
    raise notice 'public.url_clicks has no primary key and is not published: its updates and deletes would fail. Left to you: add one, then: alter publication supabase_realtime add table public.url_clicks;';
    return;
  end if;

  alter publication supabase_realtime add table public.url_clicks;
end
$$;
