import { PUBLISHABLE_KEY } from "../../../../support/tokens.ts";
import type { Party } from "../network/party.ts";
import type { Line } from "../realtime/line.ts";
import { readPost } from "../oracle/http.ts";
import { BAD_TOKENS, SLOTS, tokenOf } from "../world/people.ts";
import type { World } from "../world/world.ts";
import {
  ALL_ROLES,
  type Command,
  CONFIGS,
  type Crowd,
  filterOf,
  type Http,
  JOIN_TOKENS,
  type Open,
  PACES,
  SLUGS,
  TABLES,
  TOPICS,
} from "./command.ts";

const at = <T>(list: readonly T[], place: number): T => list[place % list.length];

/** Somebody whose socket is open, or will be, by number; undefined where nobody's is. */
function party(world: World, c: number): Party | undefined {
  const open = world.parties.filter(({ isOpen, isComing }) => isOpen || isComing);
  return open.length > 0 ? at(open, c) : undefined;
}

type Verbs = {
  [Verb in Command["do"]]: (world: World, it: Extract<Command, { do: Verb }>) => unknown;
};

/** Does what a command says, as far as it can be done, and lets follow what needs no time. */
export async function perform(world: World, command: Command): Promise<void> {
  await (VERBS[command.do] as (world: World, it: Command) => unknown)(world, command);
  await world.time.settle();
}

const VERBS: Verbs = {
  open: (world, it) => open(world, it),
  crowd: (world, it) => crowd(world, it),
  join: (world, { c, topic, config, token }) => {
    const who = party(world, c);
    if (who) join(who, at(TOPICS, topic), at(CONFIGS, config), token);
  },
  joins: (world, { c, count, config }) => {
    const who = party(world, c);
    for (let n = 0; who && n < count; n++) join(who, `realtime:a${n}`, at(CONFIGS, config), 0);
  },
  leave: (world, { c, topic, of }) =>
    party(world, c)?.say(at(TOPICS, topic), "phx_leave", {}, at([undefined, null, "old"], of ?? 0)),
  push: (world, { c, topic, size, binary }) =>
    party(world, c)?.push(at(TOPICS, topic), size, binary),
  pushes: (world, { c, count, size }) => {
    const who = party(world, c);
    for (let n = 0; who && n < count; n++) who.push(`realtime:a${n}`, size, false);
  },
  track: (world, { c, topic }) => {
    const payload = { type: "presence", event: "track", payload: { u: 1 } };
    party(world, c)?.say(at(TOPICS, topic), "presence", payload);
  },
  sign: (world, { c, topic, user, role, life }) => {
    const who = party(world, c);
    if (who) sign(who, at(TOPICS, topic), tokenOf(who.options.index, user, role, life));
  },
  "sign badly": (world, { c, topic, kind }) => {
    const who = party(world, c);
    if (who) sign(who, at(TOPICS, topic), at(Object.values(BAD_TOKENS), kind));
  },
  "sign out": (world, { c, topic }) => {
    const who = party(world, c);
    if (who) sign(who, at(TOPICS, topic), PUBLISHABLE_KEY);
  },
  beats: (world, { c, count, size }) => {
    const who = party(world, c);
    // Who asks for more answers at a time than may wait is cut off, however they read.
    if (who) who.client.isAlone = true;
    for (let n = 0; who && n < count; n++) who.beat(`${"r".repeat(size)}${n}`);
  },
  shout: (world, { c, size }) => party(world, c)?.shout(size),
  churn: async (world, { c, count, perSecond, topics }) => {
    const who = party(world, c);
    for (let n = 0; who && n < count; n++) {
      const topic = `realtime:a${n % topics}`;
      join(who, topic, filterOf(n), 0);
      if (n % 2 === 1) who.say(topic, "phx_leave", {});
      await world.time.pass(1_000 / perSecond);
    }
  },
  close: (world, { c, code }) => party(world, c)?.end.end(code),
  answer: (world, { c }) => {
    const closing = world.parties.filter(({ end }) => end.readyState === 2);
    if (closing.length === 0) return;
    const who = at(closing, c);
    who.isMute = false;
    who.end.answer();
  },
  pace: (world, { c, pace }) => {
    const who = party(world, c);
    if (!who) return;
    who.pace = at(PACES, pace);
    who.end.resume();
  },
  right: (world, { topic, role, right, may }) =>
    world.realtime.rights.set(at(TOPICS, topic), at(ALL_ROLES, role), right, may),
  emit: (world, { topic, private: isPrivate, size, count }) => {
    for (let n = 0; n < count; n++) world.realtime.emit(at(TOPICS, topic), isPrivate, size);
  },
  change: (world, { table, slug, size, count }) => {
    for (let n = 0; n < count; n++) world.realtime.change(at(TABLES, table), at(SLUGS, slug), size);
  },
  pass: (world, { ms }) => world.time.pass(ms),
  cut: (world, { which, code }) => world.realtime.trouble(which, (line) => line.lose(code)),
  stall: (world, { which, isStalled }) =>
    world.realtime.trouble(which, (line: Line) => line.stall(isStalled)),
  weather: (world, { do: _, ...weather }) => world.realtime.become(weather),
  kill: (world, { topic, event }) => world.realtime.kill(at(TOPICS, topic), event),
  stand: (world, { ms, readsFirst = false }) => world.stand(ms, readsFirst),
  drain: (world, { reason }) => world.drain(reason),
  verdict: (world, { who }) => judgeVerdict(world, credentialOf(who)),
  http: (world, it) => post(world, it),
};

function join(who: Party, topic: string, config: unknown, token: number): void {
  const { token: own } = who.client.who;
  const fresh = tokenOf(who.options.index, 0, 0, 2);
  const beside = {
    none: {},
    own: { access_token: own },
    key: { access_token: PUBLISHABLE_KEY },
    new: { access_token: fresh },
    user_token: { user_token: fresh },
    bad: { access_token: BAD_TOKENS.forged },
  }[at(JOIN_TOKENS, token)];
  who.say(topic, "phx_join", { config, ...beside });
}

function sign(who: Party, topic: string, access_token: string): void {
  who.say(topic, "access_token", { access_token });
}

/** The same URL by a plain GET says what an upgrade would be told. */
async function judgeVerdict(world: World, credential: string): Promise<void> {
  const response = await world.ask(`?apikey=${credential}`);
  const body = await response?.text() ?? "";
  world.look(() => world.judge.http.verdict(credential, response?.status, body));
}

const credentialOf = (who: number) =>
  at([PUBLISHABLE_KEY, tokenOf(0, 0, 0, 2), ...Object.values(BAD_TOKENS)], who);

async function open(world: World, it: Open): Promise<void> {
  const slot = world.parties.length % SLOTS;
  const credential = it.who === "viewer"
    ? PUBLISHABLE_KEY
    : it.who === "user"
    ? tokenOf(slot, it.user, it.role, it.life)
    : at(Object.values(BAD_TOKENS), it.user);
  await world.open({
    vsn: it.vsn === 1 ? "1.0.0" : "2.0.0",
    credential,
    pace: at(PACES, it.pace),
    isMute: it.mute,
    offersNotices: it.notices,
    beats: it.beats,
    from: it.from ?? 0,
  });
}

async function crowd(world: World, { count, vsn, topic, config, alike }: Crowd): Promise<void> {
  for (let n = 0; n < count; n++) {
    const who = await world.open({
      vsn: vsn === 1 ? "1.0.0" : "2.0.0",
      credential: PUBLISHABLE_KEY,
      pace: Infinity,
      isMute: false,
      offersNotices: false,
      beats: true,
      from: n,
    });
    await world.time.settle();
    join(who, at(TOPICS, topic), alike ? at(CONFIGS, config) : filterOf(n), 0);
  }
}

async function post(world: World, it: Http): Promise<void> {
  const n = world.nextNumber();
  const topic = at(TOPICS, it.topic).replace("realtime:", "");
  const credential = it.who === "viewer"
    ? PUBLISHABLE_KEY
    : it.who === "user"
    ? tokenOf(0, it.user, 0, 2)
    : at(Object.values(BAD_TOKENS), it.user);
  const path = it.form === "list"
    ? "/api/broadcast"
    : `/api/broadcast/${encodeURIComponent(topic)}/events/e${
      it.body ? "" : `?private=${it.private}`
    }`;
  const payload = { n, p: "x".repeat(it.size) };
  const body = JSON.stringify(
    it.form === "list"
      ? { messages: [{ topic, event: "e", payload, private: it.private }] }
      : it.body
      ? { ...payload, private: it.private }
      : payload,
  );
  const headers: Record<string, string> = { "content-type": "application/json" };
  headers[it.who === "viewer" ? "apikey" : "authorization"] = it.who === "viewer"
    ? credential
    : `Bearer ${credential}`;
  const [posted] = readPost(new URL(`http://project.test${path}`), body) ?? [];
  if (posted) world.judge.http.posted.set(n, posted);
  await world.ask(path, { method: "POST", headers, body });
}
