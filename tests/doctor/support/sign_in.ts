import { createClient } from "@supabase/supabase-js";
import type { StackInfo } from "../../../tools/stack/info.ts";

/** The access token of the stack's first user, as its Auth server makes it. */
export async function signIn({ API_URL, PUBLISHABLE_KEY, USERS }: StackInfo): Promise<string> {
  const client = createClient(API_URL, PUBLISHABLE_KEY, { auth: { persistSession: false } });
  const [{ email, password }] = USERS;
  const { data, error } = await client.auth.signInWithPassword({ email, password });
  if (error) throw error;
  await client.auth.stopAutoRefresh();
  return data.session.access_token;
}
