-- Postgres Changes: Realtime listens to the tables of the publication supabase_realtime.

do $$
declare
  obstacle text;
  who text;
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
    when relpersistence <> 'p' then 'is not logged'
    when not pg_has_role(relowner, 'usage') then 'belongs to another role'
    -- Every subscriber would get every row.
    when not relrowsecurity then 'has no row level security'
    -- Publishing a table that has no replica identity makes its updates and deletes fail.
    when relreplident <> 'f' and not exists (
      select from pg_index
      -- A key that is checked at the commit is no replica identity.
      where indrelid = pg_class.oid and indimmediate and indisvalid
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
-- until it is done by who may change the publication and the table as well.
exception when insufficient_privilege then
  select case
    when pg_has_role(pubowner, relowner, 'usage') then pubowner::regrole::text
    when pg_has_role(relowner, pubowner, 'usage') then relowner::regrole::text
  end
  into who
  from pg_publication, pg_class
  where pubname = 'supabase_realtime' and pg_class.oid = 'public.url_clicks'::regclass;
  raise notice 'public.url_clicks is not published yet: %. Who may change both that table and the publication supabase_realtime (%) runs: %alter publication supabase_realtime add table public.url_clicks;',
    sqlerrm,
    coalesce(who, 'a superuser'),
    case when exists (select from pg_publication where pubname = 'supabase_realtime')
      then '' else 'create publication supabase_realtime; ' end;
end
$$;
