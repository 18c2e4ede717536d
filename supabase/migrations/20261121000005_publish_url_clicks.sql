-- Postgres Changes: Realtime listens to the tables of the publication supabase_realtime.

do $$
declare
  obstacle text;
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

  -- Only a url_clicks of another shape meets one of these.
  select case
    when relkind not in ('r', 'p') then 'is no table'
    when not pg_has_role(relowner, 'usage') then 'belongs to another role'
    -- Every subscriber would get every row.
    when not relrowsecurity then 'has no row level security'
    -- Publishing a table that has no replica identity makes its updates and deletes fail.
    when relreplident <> 'f' and not exists (
      select from pg_index
      where indrelid = pg_class.oid
        and case relreplident when 'd' then indisprimary when 'i' then indisreplident end
    ) then 'has no primary key'
  end
  into obstacle from pg_class where oid = 'public.url_clicks'::regclass;
  if obstacle is not null then
    raise notice 'public.url_clicks % and is not published. Left to its owner: to change that, then "alter publication supabase_realtime add table public.url_clicks".', obstacle;
    return;
  end if;

  alter publication supabase_realtime add table public.url_clicks;
-- The publication is another role's, or none may be made. All else goes on, and relay.left_open says so
-- until its owner has done it.
exception when insufficient_privilege then
  raise notice 'public.url_clicks is not published yet: %. Whoever owns the publication supabase_realtime (%) runs: alter publication supabase_realtime add table public.url_clicks;',
    sqlerrm,
    coalesce((select pubowner::regrole::text from pg_publication where pubname = 'supabase_realtime'), 'there is none, so a superuser makes it first');
end
$$;
