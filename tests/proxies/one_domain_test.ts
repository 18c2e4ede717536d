import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { withDirectory } from "../support/directory.ts";
import { inTime } from "../support/in_time.ts";
import { type Certificate, makeCertificate, trust } from "../support/proxies/certificate.ts";
import { startShipped } from "../support/proxies/shipped.ts";
import { findProgram, findProxy, type Place, startProxy } from "../support/proxies/start.ts";
import { type TestStack, withStack } from "../support/stack.ts";

/** Where the one name leads. */
interface Ends {
  /** host:port of the project, by https. */
  project: string;
  /** host:port of the relay. */
  relay: string;
  certificate: Certificate;
}

const FILES = { nginx: "nginx.conf", caddy: "Caddyfile" } as const;
type Name = keyof typeof FILES;

/** The shipped file, of which only addresses and paths are others. */
function configure(name: Name, { port, directory }: Place, ends: Ends): string {
  const url = new URL(`../../deploy/proxies/one-domain/${FILES[name]}`, import.meta.url);
  let text = Deno.readTextFileSync(url);
  const { cert, key } = ends.certificate;
  const [, projectPort] = ends.project.split(":");
  const changes: Record<Name, Record<string, string>> = {
    nginx: {
      "listen 443 ssl;": `listen 127.0.0.1:${port} ssl;`,
      "/etc/letsencrypt/live/api.example.com/fullchain.pem": cert,
      "/etc/letsencrypt/live/api.example.com/privkey.pem": key,
      "/etc/ssl/certs/ca-certificates.crt": cert,
      "/var/log/nginx/": `${directory}/`,
      "https://abc.supabase.co;": `https://127.0.0.1:${projectPort};`,
      "abc.supabase.co;": "localhost;",
    },
    caddy: {
      "https://api.example.com {":
        `https://localhost:${port} {\nbind 127.0.0.1\ntls ${cert} ${key}`,
      "reverse_proxy https://abc.supabase.co {": `reverse_proxy https://${ends.project} {
        transport http {\ntls_trusted_ca_certs ${cert}\n}`,
    },
  };
  for (const [from, to] of Object.entries({ ...changes[name], "127.0.0.1:8787": ends.relay })) {
    assert.ok(text.includes(from), `the file does not hold "${from}"`);
    text = text.replaceAll(from, to);
  }
  if (name === "caddy") return `${text}`;
  return `pid nginx.pid;\nerror_log stderr;\nevents {}\nhttp {
    client_body_temp_path body; proxy_temp_path proxy;
    fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n${text}\n}`;
}

const names = (Object.keys(FILES) as Name[]).filter(findProxy);
const missing = names.length < 2 || !findProgram("openssl")
  ? " (skipped where nginx, caddy or openssl are missing)"
  : "";

Deno.test({
  name: `a whole project works on one name, with nothing but the URL changed${missing}`,
  ignore: names.length === 0 || !findProgram("openssl"),
  fn: (t) =>
    withDirectory(async (directory) => {
      const certificate = await makeCertificate(directory);
      trust(certificate.pem);
      const env = { RELAY_TRUSTED_PROXIES: "1", RELAY_ANONYMOUS: "join" };
      await withStack(async (stack) => {
        const gateway = new URL(stack.info.API_URL).host;
        const relay = new URL(stack.relay.url).host;
        // A hosted project is reached by https.
        const project = await startShipped("nginx", { gateway, relay, certificate });
        try {
          for (const name of names) {
            const ends = { project: project.host, relay, certificate };
            await t.step(name, () => tryName(name, ends, stack));
          }
        } finally {
          await project.stop();
        }
      }, { relayEnv: env });
    }),
});

async function tryName(name: Name, ends: Ends, stack: TestStack): Promise<void> {
  const proxy = await startProxy(name, (place) => configure(name, place, ends));
  const url = `https://localhost:${proxy.port}`;
  const client = createClient(url, stack.info.PUBLISHABLE_KEY, { auth: { persistSession: false } });
  try {
    const opened = () => stack.log.filter(({ event, role }) => event === "open" && role !== "anon");
    const before = opened().length;
    const slug = await signUpAndMake(client, `${name}-${crypto.randomUUID().slice(0, 8)}`);
    await inTime(seeClick(client, stack, slug), "a click comes");
    assert.equal(opened().length, before + 1, "the socket went through the relay, as a user's");
    await tryPaths(url, stack);
    const [{ email, password }] = stack.info.USERS;
    const again = await client.auth.signInWithPassword({ email, password });
    assert.equal(again.error, null);
    const refreshed = await client.auth.refreshSession();
    assert.equal(refreshed.error, null);
  } finally {
    await client.removeAllChannels();
    await client.realtime.disconnect();
    await proxy.stop();
  }
}

/** Signs somebody up, and has them make a link. */
async function signUpAndMake(client: SupabaseClient, slug: string): Promise<string> {
  const signUp = await client.auth.signUp({
    email: `${slug}@example.com`,
    password: crypto.randomUUID(),
  });
  assert.equal(signUp.error, null);
  const made = await client.from("short_links").insert({ slug, target_url: "https://a.test/" });
  assert.equal(made.error, null);
  const { data } = await client.from("short_links").select("slug").eq("slug", slug);
  assert.equal(data?.length, 1);
  return slug;
}

/** Joins, broadcasts by HTTP, and opens the link: both arrive on the socket. */
async function seeClick(client: SupabaseClient, { info }: TestStack, slug: string): Promise<void> {
  const seen = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<unknown>();
  const ready = Promise.withResolvers<void>();
  const filter = { event: "INSERT", schema: "public", table: "url_clicks" } as const;
  client.channel("one/domain").on("postgres_changes", filter, () => seen.resolve())
    .on("broadcast", { event: "hello" }, ({ payload }) => heard.resolve(payload))
    .on("system", {}, ({ status, extension }: Record<string, string>) => {
      if (extension === "postgres_changes" && status === "ok") ready.resolve();
    }).subscribe();
  await ready.promise;
  const opened = await fetch(`${info.API_URL}/functions/v1/redirect/${slug}`, {
    redirect: "manual",
  });
  assert.equal(opened.status, 302);
  await seen.promise;
  // A name with a slash: its escape has to arrive as one.
  const { data: { session } } = await client.auth.getSession();
  const { supabaseUrl } = client as unknown as { supabaseUrl: string };
  const sent = await fetch(
    `${supabaseUrl}/realtime/v1/api/broadcast/one%2Fdomain/events/hello`,
    {
      method: "POST",
      headers: {
        "apikey": info.PUBLISHABLE_KEY,
        "authorization": `Bearer ${session!.access_token}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ n: 1 }),
    },
  );
  assert.equal(sent.status, 202, await sent.text());
  assert.deepEqual(await heard.promise, { n: 1 });
}

/** What else of the project is there, and what is not. */
async function tryPaths(url: string, { info }: TestStack): Promise<void> {
  const functions = await fetch(`${url}/functions/v1/redirect/docs`, { redirect: "manual" });
  await functions.body?.cancel();
  assert.equal(functions.status, 302);
  assert.equal(functions.headers.get("content-security-policy"), "sandbox");
  for (
    const path of ["/realtime/v1/api/tenants/x/health", "/realtime/v1/", "/realtime/v1/longpoll"]
  ) {
    const { status, body } = await fetch(`${url}${path}?apikey=${info.PUBLISHABLE_KEY}`);
    await body?.cancel();
    assert.equal(status, 404, path);
  }
}
