create table public.p14d (id int8 primary key, a text, n int4);

create table public.p14dr (id int8 primary key, a text, n int4);
alter table public.p14dr enable row level security;
create policy everybody on public.p14dr for select to anon using (true);

create table public.p14f (id int8 primary key, a text, n int4);
alter table public.p14f replica identity full;

create table public.p14fr (id int8 primary key, a text, n int4);
alter table public.p14fr replica identity full;
alter table public.p14fr enable row level security;
create policy everybody on public.p14fr for select to anon using (true);

create table public.p14i (id int8 primary key, code text not null, n int4);
create unique index p14i_code on public.p14i (code);
alter table public.p14i replica identity using index p14i_code;

create table public.p14ir (id int8 primary key, code text not null, n int4);
create unique index p14ir_code on public.p14ir (code);
alter table public.p14ir replica identity using index p14ir_code;
alter table public.p14ir enable row level security;
create policy everybody on public.p14ir for select to anon using (true);

create table public.p14n (id int8 primary key, a text, n int4);
alter table public.p14n replica identity nothing;

create table public.p14x (a text, n int4);

create table public.p14xf (a text, n int4);
alter table public.p14xf replica identity full;

create table public.p14xfr (a text, n int4);
alter table public.p14xfr replica identity full;
alter table public.p14xfr enable row level security;
create policy everybody on public.p14xfr for select to anon using (true);

create table public.p14c (k1 int4, k2 text, v text, primary key (k1, k2));

create table public.p14td (id int8 primary key, big text, n int4);

create table public.p14tf (id int8 primary key, big text, n int4);
alter table public.p14tf replica identity full;

create table public.p14tfr (id int8 primary key, big text, n int4);
alter table public.p14tfr replica identity full;
alter table public.p14tfr enable row level security;
create policy everybody on public.p14tfr for select to anon using (true);

alter publication supabase_realtime add table
  public.p14d, public.p14dr, public.p14f, public.p14fr, public.p14i, public.p14ir, public.p14n,
  public.p14x, public.p14xf, public.p14xfr, public.p14c, public.p14td, public.p14tf, public.p14tfr;
