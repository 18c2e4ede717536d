-- Two people who can sign in.
insert into auth.users
  (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
   raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
   confirmation_token, email_change, email_change_token_new, recovery_token)
values
  ('00000000-0000-0000-0000-000000000000', 'a11ce000-0000-4000-8000-000000000001',
   'authenticated', 'authenticated', 'alice@example.com',
   extensions.crypt('password123', extensions.gen_salt('bf')), now(),
   '{"provider":"email","providers":["email"]}', '{"username":"alice"}', now(), now(),
   '', '', '', ''),
  ('00000000-0000-0000-0000-000000000000', 'b0b00000-0000-4000-8000-000000000002',
   'authenticated', 'authenticated', 'bob@example.com',
   extensions.crypt('password123', extensions.gen_salt('bf')), now(),
   '{"provider":"email","providers":["email"]}', '{"username":"bob"}', now(), now(),
   '', '', '', '');

insert into auth.identities
  (id, user_id, provider_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
select gen_random_uuid(), id, id, jsonb_build_object('sub', id::text, 'email', email), 'email',
  now(), now(), now()
from auth.users;

insert into public.rooms (id, slug, created_by)
values ('c0ffee00-0000-4000-8000-000000000003', 'general', 'a11ce000-0000-4000-8000-000000000001');
insert into public.messages (room_id, user_id, content)
values ('c0ffee00-0000-4000-8000-000000000003', 'a11ce000-0000-4000-8000-000000000001', 'hello');
