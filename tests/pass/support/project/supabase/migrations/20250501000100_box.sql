insert into storage.buckets (id, name) values ('box', 'box');

-- A folder is its user's, whose id is its name.
create policy "users put files into their folder" on storage.objects for insert to authenticated
  with check (bucket_id = 'box' and (storage.foldername(name))[1] = (select auth.uid())::text);

create policy "users read what is in their folder" on storage.objects for select to authenticated
  using (bucket_id = 'box' and (storage.foldername(name))[1] = (select auth.uid())::text);
