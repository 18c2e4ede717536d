insert into public.products (id, title, price_cents, stock)
values ('f00d0000-0000-4000-8000-000000000001', 'Tea', 450, 10);
