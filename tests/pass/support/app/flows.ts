/** What an app does with its whole project. It knows a URL and a public key, and no relay. */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";

export interface Given {
  url: string;
  key: string;
  /** Of the largest object, in bytes. */
  size: number;
  /** For Node 20, which has no WebSocket. */
  transport?: unknown;
}

type Flow = (app: SupabaseClient, given: Given) => Promise<void>;

const name = () => crypto.randomUUID().slice(0, 12);

/** Fails unless two values are the same as JSON. */
function same(found: unknown, wanted: unknown): void {
  const [a, b] = [found, wanted].map((it) => JSON.stringify(it));
  if (a !== b) throw new Error(`found ${a}, wanted ${b}`);
}

const login = { email: `${name()}@example.com`, password: name() + name() };

/** Runs each flow in its order. Throws with the name of the one that fails. */
export async function run(given: Given): Promise<string[]> {
  const app = open(given);
  const done: string[] = [];
  try {
    for (const [says, flow] of Object.entries(flows)) {
      await flow(app, given).catch((error) => {
        throw new Error(`${says}: ${error?.message ?? error}`);
      });
      done.push(says);
    }
  } finally {
    await app.removeAllChannels();
    await app.realtime.disconnect();
  }
  return done;
}

const open = ({ url, key, transport }: Given) =>
  createClient(url, key, {
    auth: { persistSession: false },
    ...(transport ? { realtime: { transport: transport as never } } : {}),
  });

const flows: Record<string, Flow> = {
  async "sign-up, sign-out, sign-in and refresh"({ auth }, given) {
    same((await auth.signUp(login)).error, null);
    same((await auth.signOut()).error, null);
    same((await auth.signInWithPassword(login)).error, null);
    const { data, error } = await auth.refreshSession();
    same([error, data.user?.email], [null, login.email]);
    same((await auth.getUser()).data.user?.email, login.email);
    const { error: wrong } = await open(given).auth.signInWithPassword({
      ...login,
      password: "x",
    });
    same(wrong?.status, 400);
  },

  async "insert and select"(app) {
    const row = { slug: name(), body: "https://example.com/?a=b%20c" };
    same((await app.from("notes").insert(row)).error, null);
    const { data, count } = await app.from("notes")
      .select("slug, body", { count: "exact" }).eq("slug", row.slug);
    same([data, count], [[row], 1]);
    const head = await app.from("notes").select("*", { count: "exact", head: true })
      .eq("slug", row.slug);
    same([head.error, head.count], [null, 1]);
  },

  async "a function call, and events of one as they come"({ functions }, { url }) {
    const { data, error } = await functions.invoke("greet", { body: { name: "Ada" } });
    same([error, data], [null, { hello: "Ada" }]);
    const answer = await fetch(`${url}/functions/v1/greet/events`);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    same((await reader.read()).value, "data: 1\n\n");
    same((await reader.read()).value, "data: 2\n\n");
  },

  async "a channel: changes of the database, broadcasts and presence"(app) {
    const slug = name();
    const { channel, note, words, present, ready } = watch(app, slug);
    await ready;
    await channel.track({ at: "home" });
    await present;
    await channel.send({ type: "broadcast", event: "word", payload: { text: "by socket" } });
    same(await words.next(), "by socket");
    same((await app.from("notes").insert({ slug, body: "x" })).error, null);
    same(await note, slug);
    const silent = app.channel("words");
    same(await silent.httpSend("word", { text: "by HTTP" }), { success: true });
    same(await words.next(), "by HTTP");
  },

  async "objects: upload, download, and whether one is there, under policies"(
    { storage, auth },
    given,
  ) {
    const { url, key, size } = given;
    const { data: { session } } = await auth.getSession();
    const bucket = storage.from("box");
    const folder = session!.user.id;
    const small = new Blob(["hello ünicode"], { type: "text/plain" });
    const odd = `${folder}/relay/websocket (1) & 100%.txt`;
    same((await bucket.upload(odd, small)).error, null);
    same(await (await bucket.download(odd)).data?.text(), "hello ünicode");
    const bytes = new Uint8Array(size).fill(7);
    bytes[size - 1] = 8;
    const large = `${folder}/large`;
    same((await bucket.upload(large, bytes.buffer)).error, null);
    const { data, error } = await bucket.download(large);
    same([error, data?.size], [null, size]);
    same(new Uint8Array(await data!.slice(-2).arrayBuffer()), new Uint8Array([7, 8]));
    same((await bucket.exists(large)).data, true);
    const place = `${url}/storage/v1/object/box/${large}`;
    const headers = { apikey: key, authorization: `Bearer ${session!.access_token}` };
    const head = await fetch(place, { method: "HEAD", headers });
    same(head.headers.get("content-length"), String(size));
    await policiesHold(open(given), large);
  },

  // The stack's Storage has no such uploads: these go to a stand-in.
  async "an upload that breaks off and is taken up again (tus 1.0.0)"(_app, { url }) {
    const tus = { "tus-resumable": "1.0.0" };
    const made = await fetch(`${url}/storage/v1/upload/resumable`, {
      method: "POST",
      headers: { ...tus, "upload-length": "10", "upload-metadata": `objectName ${btoa("r")}` },
    });
    same(made.status, 201);
    const place = new URL(made.headers.get("location")!, url).href;
    same(new URL(place).origin, new URL(url).origin);
    const patch = (offset: number, body: string) =>
      fetch(place, {
        method: "PATCH",
        headers: {
          ...tus,
          "upload-offset": String(offset),
          "content-type": "application/offset+octet-stream",
        },
        body,
      });
    same((await patch(0, "01234")).headers.get("upload-offset"), "5");
    same((await patch(0, "01234")).status, 409);
    const head = await fetch(place, { method: "HEAD", headers: tus });
    same(head.headers.get("upload-offset"), "5");
    same((await patch(5, "56789")).headers.get("upload-offset"), "10");
  },

  async "sign-out"({ auth }) {
    same((await auth.signOut()).error, null);
    same((await auth.getSession()).data.session, null);
  },
};

/** Nobody reads another's file, or puts one into their folder. */
async function policiesHold({ storage }: SupabaseClient, path: string): Promise<void> {
  const bucket = storage.from("box");
  const [read, written] = [await bucket.download(path), await bucket.upload(`${path}-2`, "x")];
  if (!read.error || !written.error) throw new Error("a stranger was let in");
}

/** A channel on which all that comes is told. */
function watch(app: SupabaseClient, slug: string) {
  const filter = { event: "INSERT", schema: "public", table: "notes" } as const;
  const words = inbox<string>();
  const [notes, here, statuses] = [inbox<string>(), inbox<void>(), inbox<void>()];
  const channel = app.channel("words", { config: { broadcast: { self: true } } });
  channel.on("broadcast", { event: "word" }, ({ payload }) => words.add(payload.text))
    .on("presence", { event: "sync" }, () => {
      const states = Object.values(channel.presenceState()).flat() as { at?: string }[];
      if (states.some(({ at }) => at === "home")) here.add();
    })
    .on("postgres_changes", { ...filter, filter: `slug=eq.${slug}` }, ({ new: row }) => {
      notes.add(row.slug);
    })
    // The database's changes flow a moment after the channel is joined.
    .on("system", {}, ({ status }: { status: string }) => status === "ok" && statuses.add())
    .subscribe();
  return { channel, words, note: notes.next(), present: here.next(), ready: statuses.next() };
}

function inbox<T>() {
  const come: T[] = [];
  const waiting: ((it: T) => void)[] = [];
  return {
    add(it: T): void {
      const next = waiting.shift();
      if (next) next(it);
      else come.push(it);
    },
    next: (): Promise<T> =>
      come.length > 0 ? Promise.resolve(come.shift()!) : new Promise((wake) => waiting.push(wake)),
  };
}
