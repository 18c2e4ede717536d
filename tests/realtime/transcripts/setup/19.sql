-- Those who are signed in may listen, ALICE alone may send.
create policy p19_read on realtime.messages for select to authenticated
  using (realtime.topic() like 'p19%');
create policy p19_write on realtime.messages for insert to authenticated
  with check (
    realtime.topic() like 'p19%'
    and (select auth.uid()) = 'a11ce000-0000-4000-8000-000000000001'
  );
