import { type Cues } from "../cues.ts";

const ALICE = {
  role: "authenticated",
  sub: "a11ce000-0000-4000-8000-000000000001",
  expires: 600,
};
const EDITOR = { ...ALICE, role: "editor" };

export default (): Cues => ({
  tokens: {
    "no aud": ALICE,
    "aud of somebody else": { ...ALICE, aud: "elsewhere" },
    "sub that is no UUID": { ...ALICE, sub: "user_2abc" },
    "no sub": { role: "authenticated", expires: 600 },
    "nbf ahead": { ...ALICE, nbf: 300 },
    "iat ahead": { ...ALICE, iat: 300 },
    "role of nobody": EDITOR,
    "role postgres": { ...ALICE, role: "postgres" },
    "a role of nobody, with Postgres Changes": EDITOR,
    "a role of nobody, private": EDITOR,
  },
  requests: {
    "an upgrade by HTTP/1.0": {
      version: "1.0",
      isByGateway: true,
      path: "/realtime/v1/websocket?apikey=<ANON>&vsn=1.0.0",
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      },
    },
  },
});
