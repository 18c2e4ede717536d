import type postgres from "postgres";
import type { TestStack } from "../../support/stack.ts";
import { signIn, signUp } from "./people.ts";
import type { Session } from "@supabase/supabase-js";

/** Sessions that are to end, one that is not, and what ends them. */
export interface WayOut {
  ending: Session[];
  staying?: Session;
  end(): Promise<unknown>;
  /** So that the next may sign in. */
  undo?(): Promise<unknown>;
}

/** As many sessions of the same user. */
async function sessions(stack: TestStack, count: number) {
  const all = [];
  while (all.length < count) all.push(await signIn(stack));
  return all;
}

/** Whatever ends a session. */
export const WAYS_OUT: Record<string, (stack: TestStack, sql: postgres.Sql) => Promise<WayOut>> = {
  async "a sign-out here"(stack) {
    const [here, there] = await sessions(stack, 2);
    return {
      ...{ ending: [here.session], staying: there.session },
      end: () => here.client.auth.signOut({ scope: "local" }),
    };
  },
  async "a sign-out elsewhere"(stack) {
    const [here, there] = await sessions(stack, 2);
    return {
      ...{ ending: [there.session], staying: here.session },
      end: () => here.client.auth.signOut({ scope: "others" }),
    };
  },
  async "a sign-out everywhere"(stack) {
    const [here, there] = await sessions(stack, 2);
    return {
      ending: [here.session, there.session],
      end: () => here.client.auth.signOut({ scope: "global" }),
    };
  },
  async "a ban"(stack, sql) {
    const [{ session }] = await sessions(stack, 1);
    const until = (when: string) => async () =>
      await sql`
        update auth.users set banned_until = now() + ${when}::interval
        where id = ${session.user.id}`;
    return { ending: [session], end: until("1 day"), undo: until("-1 day") };
  },
  async "a deletion"(stack, sql) {
    const { session } = await signUp(stack);
    return {
      ending: [session],
      end: async () => await sql`delete from auth.users where id = ${session.user.id}`,
    };
  },
  async "an operator's word"(stack, sql) {
    const [{ session }] = await sessions(stack, 1);
    return {
      ending: [session],
      end: async () => await sql`select relay.end_sessions(${session.user.id})`,
    };
  },
};
