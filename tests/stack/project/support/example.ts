import { createClient } from "@supabase/supabase-js";
import { fileURLToPath } from "node:url";
import { openProject } from "../../../../tools/stack/project/project.ts";
import type { StackInfo } from "../../../../tools/stack/info.ts";
import type { StackOptions } from "../../../../tools/stack/stack.ts";
import { type TestStack, withStack } from "../../../support/stack.ts";

/** The folder of one of the example projects. */
export const example = (name: "chat" | "shop") =>
  fileURLToPath(new URL(`../examples/${name}`, import.meta.url));

export interface ExampleStack extends TestStack {
  /** What was told while it started. */
  told: string[];
}

/** Runs `work` on a stack of the project in `directory`, at any free port. */
export async function withProjectStack(
  directory: string,
  work: (stack: ExampleStack) => Promise<void>,
  options: Partial<StackOptions> = {},
): Promise<void> {
  const told: string[] = [];
  const project = openProject({ directory });
  await withStack((stack) => work(Object.assign(stack, { told })), {
    ...{ project, port: 0, progress: (what) => void told.push(what) },
    ...options,
  });
}

/** supabase-js as nobody, which keeps nothing. */
export const client = ({ API_URL, PUBLISHABLE_KEY }: StackInfo) =>
  createClient(API_URL, PUBLISHABLE_KEY, {
    auth: { persistSession: false, autoRefreshToken: false },
  });

/** The same, signed in as somebody of the chat's seed. */
export async function signedIn(info: StackInfo, name: "alice" | "bob") {
  const who = client(info);
  const email = `${name}@example.com`;
  const { error } = await who.auth.signInWithPassword({ email, password: "password123" });
  if (error) throw error;
  return who;
}
