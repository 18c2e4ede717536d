/** A world as data: what holds from its beginning, and what happens in it. */
export interface Script {
  setup: Partial<Setup>;
  steps: Step[];
}

export interface Setup {
  /** Of the client's chance, and of jitter. */
  seed: number;
  vsn: "1.0.0" | "2.0.0";
  /** What is dialled: a relay of today, one that sends batches, or Realtime itself. */
  relay: "v1" | "v2" | "direct";
  /** One way, in ms. */
  latencyMs: number;
  /** How far ahead of true time the clocks are: of the client's machine, the database, the relay. */
  clientSkewMs: number;
  databaseSkewMs: number;
  relaySkewMs: number;
  /** Between the answer to a join and `Subscribed to PostgreSQL`, in ms. */
  subscribeMs: number;
  /** Between a commit and what Realtime sends of it, in ms. */
  pollMs: number;
  /** Who is signed in at first. */
  user: string | null;
  tokenLifeS: number;
  /** token() gives its token with a blank before it and a line end behind it. */
  blanks: boolean;
  /** An old one keeps the token of the first sign-in in its joins, and pushes null to sign out. */
  sdk: "current" | "old";
  /** What the application joins at first: names of CHANNELS. */
  channels: ChannelName[];
  /** Keys of 19 digits. */
  bigKeys: boolean;
  /** The time column is `timestamp` without zone, and the machine is in this zone. */
  zone: "" | "America/Los_Angeles" | "Asia/Tokyo";
  /** Bindings have other ids on the next worker's sockets. */
  otherIds: boolean;
  /** React Native's has no DOM: no EventTarget, Event, MessageEvent, Blob. */
  engine: "browser" | "native";
  /** A replay comes this long after the answer to its join, in ms. */
  replayMs: number;
  /** What is replayed comes twice. */
  replaysTwice: boolean;
  /** The messages of the database can be read, all of them, and the client does. */
  history: boolean;
  /** Rows that have changed are read again, by the time of their last change. */
  updates: boolean;
  /** REST gives no more rows at once, however many it is asked for. */
  maxRows: number;
}

export const USUAL: Setup = {
  seed: 1,
  vsn: "2.0.0",
  relay: "v1",
  latencyMs: 20,
  clientSkewMs: 0,
  databaseSkewMs: 0,
  relaySkewMs: 0,
  subscribeMs: 0,
  pollMs: 50,
  user: null,
  tokenLifeS: 3600,
  blanks: false,
  sdk: "current",
  channels: ["orders"],
  bigKeys: false,
  zone: "",
  otherIds: false,
  engine: "browser",
  replayMs: 0,
  replaysTwice: false,
  history: false,
  updates: false,
  maxRows: 1_000,
};

export type ChannelName = keyof typeof CHANNELS;

export interface ChannelPlan {
  topic: string;
  private?: boolean;
  /** The answer to what is sent is awaited. */
  ack?: boolean;
  /** Realtime says when its replication stands. */
  replicationReady?: boolean;
  bindings?: { event: string; schema: string; table: string; filter?: string }[];
  broadcast?: boolean;
  presence?: boolean;
}

const on = (event: string, table: string, filter?: string) => ({
  ...{ event, schema: "public", table },
  ...(filter && { filter }),
});

/** The channels that the application knows. */
export const CHANNELS = {
  orders: { topic: "orders", bindings: [on("INSERT", "orders")] },
  ordersOfA: { topic: "ordersOfA", bindings: [on("INSERT", "orders", "slug=eq.a")] },
  everything: { topic: "everything", bindings: [on("*", "orders")] },
  changes: { topic: "changes", bindings: [on("UPDATE", "orders")] },
  notes: { topic: "notes", bindings: [on("*", "notes")] },
  room: { topic: "room", broadcast: true },
  asked: { topic: "asked", broadcast: true, ack: true },
  mail: { topic: "mail", private: true, broadcast: true },
  mirror: { topic: "orders:a", private: true, broadcast: true },
  mixed: {
    ...{ topic: "mixed", broadcast: true, replicationReady: true },
    bindings: [on("INSERT", "orders")],
  },
  lobby: { topic: "lobby", broadcast: true, presence: true },
} satisfies Record<string, ChannelPlan>;

export const planOf = (name: ChannelName): ChannelPlan => CHANNELS[name];

export type Table = "orders" | "notes";
export type Evil = "none" | "future" | "past" | "junk" | "row";

/** What happens, after so many ms. A fault holds for `ms`, or for good where that is 0. */
export type Step =
  & { after: number }
  & (
    // The database and the peers.
    | { do: "insert"; table: Table; slug?: string; count?: number; startedAgoMs?: number }
    /** So many times in one transaction, of the row so many before the newest. */
    | { do: "update"; table: Table; count?: number; back?: number; startedAgoMs?: number }
    | { do: "remove" | "reinsert"; table: Table }
    /** With `row` they are changes of that row, as the trigger relay.broadcast_row() sends them. */
    | { do: "store"; count?: number; startedAgoMs?: number; row?: number }
    | { do: "peer"; channel: ChannelName; evil?: Evil }
    | { do: "peerTrack"; key: string; here: boolean }
    /** Something of each kind, on all that is joined. */
    | { do: "flurry" }
    // The way there.
    | { do: "drain"; deadlineMs: number }
    | { do: "kill"; code?: number }
    | { do: "halfOpen" }
    /** Nothing passes for so long; `newest`: on the socket that was opened last. */
    | { do: "silence"; ms: number; newest?: boolean }
    | { do: "offline"; ms: number }
    /** The page stands still: its timers run behind that, and before what came meanwhile. */
    | { do: "freeze"; ms: number }
    /** Somebody sets the machine's clock, by so much, and to what it was after `ms` where that is given. */
    | { do: "clock"; byMs: number; ms?: number }
    | { do: "dial"; answer: DialAnswer; ms: number }
    | { do: "latency"; addMs: number; ms: number }
    | { do: "joins"; answer: JoinAnswer; ms: number; channel?: ChannelName; lateMs?: number }
    | { do: "subscriptions"; answer: SubscriptionAnswer; ms: number; channel?: ChannelName }
    | { do: "resubscribe" }
    | { do: "endChannel"; channel: ChannelName; event: "phx_close" | "phx_error" }
    /** For 1.5 s where nothing is said. */
    | { do: "relayGap"; channel: ChannelName; ms?: number }
    | { do: "rest"; answer: RestAnswer; ms: number }
    // Who is signed in.
    | { do: "token"; answer: "hangs" | "throws" | "late" | "null"; ms: number; lateMs?: number }
    | { do: "signIn"; user: string }
    | { do: "signOut" }
    | { do: "closeUnauthorized" }
    // The application and its page.
    | { do: "join" | "leave" | "send" | "track" | "untrack"; channel: ChannelName }
    | { do: "disconnect" | "wake" | "retry" | "nothing" }
    /** Another client on the same transport, such as a hot reload makes; once more, it goes. */
    | { do: "twin" }
  );

/** `throws`: the page's own policy forbids the socket. A number is the code of a refusal. */
export type DialAnswer = "fails" | "hangs" | "throws" | number;
export type JoinAnswer = "late" | "rate" | "rateOnly" | "pool" | "never" | "forbidden" | "twice";
/** `busy`: an error, after which Realtime tries again by itself. */
export type SubscriptionAnswer = "error" | "never" | "late" | "busy";
export type RestAnswer = "unreachable" | "hangs" | "late" | "slow" | 401 | 404 | 406 | 500 | 503;

/** As one line a step, to read and to keep among the examples. */
export function print({ setup, steps }: Script): string {
  const lines = steps.map((step) => `    ${literal(step)},`);
  return `{\n  setup: ${literal(setup)},\n  steps: [\n${lines.join("\n")}\n  ],\n}`;
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).filter(([, part]) => part !== undefined)
    .map(([key, part]) => `${key}: ${literal(part)}`);
  return parts.length > 0 ? `{ ${parts.join(", ")} }` : "{}";
}
