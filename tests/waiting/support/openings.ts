/**
 * How SDKs of Supabase open a socket: the key in the query or a header, the user's token in frames.
 * Each is what such an SDK sends, in its own order and with the params that it adds.
 */
export interface Opening {
  sdk: string;
  vsn: "1.0.0" | "2.0.0";
  /** Of the address; KEY stands for the public key. */
  query: string;
  headers?: Record<string, string>;
  /** What is sent once it is open; TOKEN stands for the user's. */
  frames: string[];
  /** The ref of the join that is answered. */
  ref: string;
}

const realtime = (topic: string) => `realtime:${topic}`;

/** A frame of vsn 1.0.0, in the order of keys that the SDK has. */
const text = (frame: Record<string, unknown>) => JSON.stringify(frame);

const CONFIG = {
  broadcast: { ack: false, self: false },
  presence: { key: "" },
  postgres_changes: [{ event: "*", schema: "public", table: "url_clicks" }],
};

export const OPENINGS: Opening[] = [
  {
    sdk: "supabase-js 2 without a transport",
    vsn: "2.0.0",
    query: "apikey=KEY&vsn=2.0.0",
    frames: [
      JSON.stringify(["1", "1", realtime("a"), "phx_join", {
        config: { ...CONFIG, private: false },
        access_token: "TOKEN",
      }]),
    ],
    ref: "1",
  },
  {
    sdk: "an SDK that joins with the key and pushes the token behind it",
    vsn: "1.0.0",
    query: "apikey=KEY&eventsPerSecond=10&vsn=1.0.0",
    frames: [
      text({
        topic: realtime("a"),
        event: "phx_join",
        payload: { config: CONFIG, access_token: "KEY" },
        ref: "1",
        join_ref: "1",
      }),
      text({
        topic: realtime("a"),
        event: "access_token",
        payload: { access_token: "TOKEN" },
        ref: "2",
        join_ref: "1",
      }),
    ],
    ref: "1",
  },
  {
    sdk: "supabase_flutter",
    vsn: "1.0.0",
    query: "apikey=KEY&vsn=1.0.0&log_level=info",
    headers: { "x-client-info": "supabase-flutter/2.9.0" },
    frames: [
      text({
        topic: realtime("a"),
        event: "phx_join",
        payload: { config: { ...CONFIG, private: false }, access_token: "TOKEN" },
        ref: "1",
        join_ref: "1",
      }),
      text({ topic: "phoenix", event: "heartbeat", payload: {}, ref: "2" }),
    ],
    ref: "1",
  },
  {
    sdk: "supabase-swift",
    vsn: "1.0.0",
    query: "apikey=KEY&vsn=1.0.0&log_level=info",
    headers: { apikey: "KEY", authorization: "Bearer KEY", "x-client-info": "supabase-swift/2.30" },
    frames: [
      text({ event: "heartbeat", payload: {}, ref: "1", topic: "phoenix" }),
      text({
        join_ref: "2",
        ref: "2",
        topic: realtime("a"),
        event: "phx_join",
        payload: { config: CONFIG, access_token: "TOKEN", version: "realtime-swift/2.30.0" },
      }),
    ],
    ref: "2",
  },
  {
    sdk: "supabase-kt",
    vsn: "1.0.0",
    query: "apikey=KEY&vsn=1.0.0",
    headers: { "user-agent": "ktor-client" },
    frames: [
      text({ topic: "phoenix", event: "heartbeat", payload: {}, ref: "1" }),
      text({
        topic: realtime("a"),
        event: "phx_join",
        payload: { config: CONFIG, access_token: "TOKEN" },
        ref: null,
      }),
    ],
    ref: "null",
  },
  {
    sdk: "realtime-py",
    vsn: "1.0.0",
    query: "apikey=KEY&vsn=1.0.0",
    frames: [
      text({
        event: "phx_join",
        topic: realtime("a"),
        payload: { config: { ...CONFIG, private: false }, access_token: "TOKEN" },
        ref: "1",
        join_ref: "1",
      }),
      text({
        event: "access_token",
        topic: realtime("a"),
        payload: { access_token: "TOKEN" },
        ref: "2",
        join_ref: "1",
      }),
    ],
    ref: "1",
  },
  {
    sdk: "supabase-csharp, whose oldest joins name it user_token",
    vsn: "1.0.0",
    query: "apikey=KEY&token=KEY&vsn=1.0.0",
    frames: [
      text({
        topic: realtime("a"),
        event: "phx_join",
        payload: { config: CONFIG, user_token: "TOKEN" },
        ref: "1",
        join_ref: "1",
      }),
    ],
    ref: "1",
  },
];
