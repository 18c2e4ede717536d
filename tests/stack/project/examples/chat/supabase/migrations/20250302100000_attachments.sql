insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values ('attachments', 'attachments', false, 1048576, array['image/png', 'text/plain'])
on conflict (id) do nothing;

create policy "members read attachments" on storage.objects for select to authenticated
  using (
    bucket_id = 'attachments'
    and private.role_in(((storage.foldername(name))[1])::uuid) is not null
  );

create policy "members add attachments" on storage.objects for insert to authenticated
  with check (
    bucket_id = 'attachments'
    and private.role_in(((storage.foldername(name))[1])::uuid) is not null
    and lower(storage.extension(name)) in ('png', 'txt')
  );

create policy "moderators rename attachments" on storage.objects for update to authenticated
  using (
    bucket_id = 'attachments'
    and private.role_in(((storage.foldername(name))[1])::uuid) in ('owner', 'moderator')
  );

create policy "moderators remove attachments" on storage.objects for delete to authenticated
  using (
    bucket_id = 'attachments'
    and private.role_in(((storage.foldername(name))[1])::uuid) in ('owner', 'moderator')
  );
