import type { SupabaseClient } from "@supabase/supabase-js";

/** Signing in and out with Supabase Auth. Both reject with Auth's error. */
export interface Account {
  signIn(email: string, password: string): Promise<void>;
  /** On this device alone. */
  signOut(): Promise<void>;
}

export function accountOf({ auth }: SupabaseClient): Account {
  return {
    async signIn(email, password) {
      const { error } = await auth.signInWithPassword({ email, password });
      if (error) throw error;
    },
    async signOut() {
      const { error } = await auth.signOut({ scope: "local" });
      if (error) throw error;
    },
  };
}
