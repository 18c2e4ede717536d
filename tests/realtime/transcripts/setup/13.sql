create domain public.p13_email as text check (value like '%@%');
create type public.p13_pair as (x int4, "Y z" text);
create type public.p13_mood as enum ('sad', 'it''s ok', 'very "happy"');

create table public.p13 (
  id int8 primary key, i2 int2, i4 int4, i8 int8, num numeric, num2 numeric(10,2), f4 float4,
  f8 float8, money money, t text, vc varchar(10), c char(5), bin bytea, b bool, d date, tm time,
  tmtz timetz, ts timestamp, tstz timestamptz, iv interval, u uuid, j json, jb jsonb,
  m public.p13_mood, comp public.p13_pair, dom public.p13_email, r4 int4range, rts tstzrange,
  mr int4multirange, ip inet, net cidr, mac macaddr, pt point, bx box, bits bit(4), vbits varbit,
  tsv tsvector, x xml, nm name, o oid, lsn pg_lsn, jp jsonpath,
  gen int4 generated always as (i4 * 2) stored, "Strange ""name" text
);
alter table public.p13 replica identity full;

create table public.p13a (
  id int8 primary key, i4a int4[], ta text[], ba bool[], tsa timestamptz[], ua uuid[],
  na numeric[], ja jsonb[], md int4[][], ea public.p13_mood[], ca public.p13_pair[], bya bytea[],
  fa float8[], ra int4range[]
);
alter table public.p13a replica identity full;

alter publication supabase_realtime add table public.p13, public.p13a;
