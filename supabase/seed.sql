-- Links to try things with. May run any number of times, before or after the demo users exist.

insert into public.short_links (slug, target_url, title, owner, is_public)
values
  ('docs', 'https://supabase.com/docs', 'Supabase documentation', null, true),
  ('realtime', 'https://supabase.com/docs/guides/realtime', 'Realtime guide', null, true)
on conflict (slug) do nothing;

-- One that only Alice sees, though it opens for everybody who has it.
insert into public.short_links (slug, target_url, title, owner, is_public)
select 'alice', 'https://example.com/alice', 'Only Alice sees this', id, false
from auth.users
where email = 'alice@example.com'
on conflict (slug) do nothing;
