-- Who belongs to which organisation is a claim.
create table public.p17c (id int8 primary key, org text, t text);
alter table public.p17c enable row level security;
create policy by_claim on public.p17c for select to authenticated
  using (org = (current_setting('request.jwt.claims', true)::jsonb -> 'app_metadata' ->> 'org'));

-- Who belongs to which organisation is another table's row, seen by that table's own policy.
create table public.p17m (org text, uid uuid, primary key (org, uid));
alter table public.p17m enable row level security;
create policy own on public.p17m for select to authenticated using (uid = auth.uid());
insert into public.p17m values ('acme', '11111111-1111-4111-8111-111111111111');
create table public.p17s (id int8 primary key, org text, t text);
alter table public.p17s enable row level security;
create policy members on public.p17s for select to authenticated
  using (org in (select org from public.p17m where uid = auth.uid()));

create table public.p17v (id int8 primary key, visible bool, t text);
alter table public.p17v replica identity full;
alter table public.p17v enable row level security;
create policy r on public.p17v for select to anon using (visible);

create table public.p17n (id int8 primary key, t text);
alter table public.p17n enable row level security;
create policy everybody on public.p17n for select using (true);
revoke all on public.p17n from anon;

create table public.p17n2 (id int8 primary key, t text);
revoke all on public.p17n2 from anon;

create table public.p17o (id int8 primary key, t text);

create table public.p17fo (id int8 primary key, t text);
alter table public.p17fo enable row level security;
alter table public.p17fo force row level security;

create table public.p17p (id int8, region text, t text, primary key (id, region))
  partition by list (region);
create table public.p17p_eu partition of public.p17p for values in ('eu');
create table public.p17p_us partition of public.p17p for values in ('us');

create table public.p17e (id int8 primary key, t text);
alter table public.p17e enable row level security;
create policy failing on public.p17e for select to authenticated using (1 / (length(t) - 3) > 0);

create table public.p13 (id int8 primary key, j json);

alter publication supabase_realtime add table
  public.p17c, public.p17s, public.p17v, public.p17n, public.p17n2, public.p17o, public.p17fo,
  public.p17e, public.p13;
