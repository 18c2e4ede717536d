-- Those who are signed in may listen.
create policy p20_read on realtime.messages for select to authenticated
  using (realtime.topic() like 'p20%');
