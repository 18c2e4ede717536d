select cron.schedule(
  'cancel-old-carts',
  '0 3 * * *',
  $$ update public.orders set status = 'cancelled' where status = 'cart' $$
);

create index product_embeddings_hnsw on public.product_embeddings
  using hnsw (embedding extensions.vector_cosine_ops);

select vault.create_secret('https://example.com/hook', 'hook_url');

create table public.refunds (
  order_id bigint primary key references public.orders,
  reason text
);
alter table public.refunds enable row level security;
