import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { relayTransport } from "../../client/mod.ts";
import { type TestStack, withStack } from "../support/stack.ts";

/** A row of url_clicks as a subscriber gets it. */
type Click = { id: number; slug: string; referrer_host: string | null };

/** A person with a page open: supabase-js as anybody uses it, its socket through the relay. */
class Person {
  readonly clicks: Click[] = [];
  readonly #supabase: SupabaseClient;
  readonly #waiting = new Set<() => void>();

  constructor({ info }: TestStack) {
    const transport = relayTransport({ relay: info.RELAY_URL, token: () => this.#token() });
    this.#supabase = createClient(info.API_URL, info.PUBLISHABLE_KEY, {
      realtime: { transport },
      auth: { persistSession: false, autoRefreshToken: false },
    });
  }

  async #token(): Promise<string | null> {
    const { data } = await this.#supabase.auth.getSession();
    return data.session?.access_token ?? null;
  }

  /** Returns the user's id. */
  async signIn({ email, password }: { email: string; password: string }): Promise<string> {
    const { data, error } = await this.#supabase.auth.signInWithPassword({ email, password });
    if (error) throw error;
    return data.user.id;
  }

  /** Resolves when Postgres Changes flow. */
  subscribe(): Promise<void> {
    const ready = Promise.withResolvers<void>();
    this.#supabase.channel("clicks")
      .on(
        "postgres_changes",
        { event: "INSERT", schema: "public", table: "url_clicks" },
        (event) => {
          this.clicks.push(event.new as Click);
          this.#waiting.forEach((wake) => wake());
        },
      )
      .on("system", {}, ({ extension, status, message }) => {
        if (extension !== "postgres_changes") return;
        status === "ok" ? ready.resolve() : ready.reject(new Error(message));
      })
      .subscribe((_status, error) => error && ready.reject(error));
    return ready.promise;
  }

  /** Resolves when this person has seen a click on `slug`. */
  async sees(slug: string): Promise<void> {
    while (!this.clicks.some((click) => click.slug === slug)) {
      await new Promise<void>((wake) => this.#waiting.add(wake));
    }
  }

  slugs = () => this.clicks.map((click) => click.slug);

  async leave(): Promise<void> {
    await this.#supabase.removeAllChannels();
    await this.#supabase.realtime.disconnect();
  }
}

async function openLink({ info }: TestStack, slug: string): Promise<void> {
  const response = await fetch(`${info.API_URL}/functions/v1/redirect/${slug}`, {
    redirect: "manual",
    headers: { referer: "https://news.example.com/a?b=c" },
  });
  await response.body?.cancel();
  assert.equal(response.status, 302, slug);
}

Deno.test("whoever may see a click gets it through the relay, and nobody else", async () => {
  await withStack(async (stack) => {
    const [anon, alice, bob] = [new Person(stack), new Person(stack), new Person(stack)];
    const people = [anon, alice, bob];
    const [first, second] = stack.info.USERS;
    assert.deepEqual([await alice.signIn(first), await bob.signIn(second)], [first.id, second.id]);
    await Promise.all(people.map((person) => person.subscribe()));

    // Changes arrive in the order of their commits: who gets the second never got the first.
    await openLink(stack, "alice");
    await openLink(stack, "docs");
    await Promise.all(people.map((person) => person.sees("docs")));
    assert.deepEqual(anon.slugs(), ["docs"]);
    assert.deepEqual(alice.slugs(), ["alice", "docs"]);
    assert.deepEqual(bob.slugs(), ["docs"]);
    assert.equal(anon.clicks[0].referrer_host, "news.example.com");

    await Promise.all(people.map((person) => person.leave()));
    const printed = JSON.stringify(stack.log);
    assert.match(printed, /"event":"open"/);
    assert.doesNotMatch(printed, /eyJ|sb_publishable_\w|sb_secret_\w/);
  });
});
