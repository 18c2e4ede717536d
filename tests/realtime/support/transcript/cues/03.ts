import type { Cues } from "../cues.ts";

export default (): Cues => ({
  sockets: {
    noapikey: { apikey: null },
    badsig: { apikey: "<jwt>" },
    garbage: { apikey: "garbage" },
    expired: { apikey: "<jwt>" },
    noexp: { apikey: "<jwt>" },
    norole: { apikey: "<jwt>" },
    unkrole: { apikey: "<jwt>" },
    notenant: { host: "nosuchtenant.localhost" },
    host127: { host: "127.0.0.1:4000" },
    hostlocal: { host: "localhost:4000" },
    novsn: { vsn: null },
    vsn9: { vsn: "9.9.9" },
    vsngarbage: { vsn: "garbage" },
    hdr: { apikey: null, headers: { "x-api-key": "<ANON>" } },
    hdr2: { apikey: null, headers: { apikey: "<ANON>" } },
    algnone: { apikey: "<jwt>" },
    sbpub: { apikey: "sb_publishable_abc" },
  },
  tokens: {
    badsig: { fault: "signature" },
    expired: { expires: -60 },
    noexp: { expires: null },
    norole: { fault: "no role" },
    unkrole: { role: "nosuchrole" },
    algnone: { fault: "alg none" },
    "join access_token: bad signature": { fault: "signature" },
    "join access_token: expired": { expires: -23 },
    "join access_token: no role": { fault: "no role" },
    "join access_token: no exp": { expires: null },
  },
  requests: {
    "plain GET /socket/websocket": {
      path: "/socket/websocket?apikey=<ANON>&vsn=1.0.0",
      headers: { connection: "keep-alive" },
    },
    "path /realtime/v1/websocket": { path: "/realtime/v1/websocket?apikey=<ANON>&vsn=1.0.0" },
  },
});
