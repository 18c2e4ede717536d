import type { Script } from "../../support/upstream.ts";
import { inSeconds, sign } from "../../support/tokens.ts";

/** A project of which there is what an SDK needs: Auth signs ALICE in, Realtime carries broadcasts. */
export interface Project extends Script {
  /** What Auth has given out, in order. */
  tokens: string[];
  /** The frames that came, by all sockets. */
  frames: [joinRef: unknown, ref: unknown, topic: string, event: string, payload: Payload][];
  /** Sockets that are open. */
  readonly sockets: number;
}

// deno-lint-ignore no-explicit-any
type Payload = any;

/** Broadcasts come back to every socket that has sent anything, its sender included. */
export function playProject(): Project {
  const open = new Map<WebSocket, string>();
  const project: Project = {
    tokens: [],
    frames: [],
    get sockets() {
      return open.size;
    },
    async onRequest(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/auth/v1/logout") return new Response(null, { status: 204 });
      if (pathname !== "/auth/v1/token") return new Response(null, { status: 404 });
      await request.body?.cancel();
      return Response.json(await sessionFor(project.tokens));
    },
    onSocket(socket, { url }) {
      const vsn = new URL(url).searchParams.get("vsn") ?? "1.0.0";
      open.set(socket, vsn);
      socket.addEventListener("close", () => open.delete(socket));
      socket.onmessage = ({ data }) => {
        const frame = decode(vsn, data);
        project.frames.push(frame);
        const [joinRef, ref, topic, event, payload] = frame;
        const reply = { status: "ok", response: {} };
        if (event === "broadcast") {
          for (const [to, its] of open) to.send(encode(its, null, null, topic, event, payload));
        } else if (["phx_join", "phx_leave", "heartbeat"].includes(event)) {
          socket.send(encode(vsn, joinRef, ref, topic, "phx_reply", reply));
        }
      };
    },
  };
  return project;
}

async function sessionFor(tokens: string[]) {
  const access_token = await sign({ exp: inSeconds(3_600 + tokens.length) });
  tokens.push(access_token);
  const [, claims] = access_token.split(".");
  const { sub } = JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/")));
  return {
    ...{ access_token, refresh_token: `refresh-${tokens.length}`, token_type: "bearer" },
    expires_in: 3600,
    user: { id: sub, aud: "authenticated", email: "alice@example.com", app_metadata: {} },
  };
}

function decode(vsn: string, data: string | ArrayBuffer): Project["frames"][number] {
  if (typeof data !== "string") return decodeBinary(new Uint8Array(data));
  const frame = JSON.parse(data);
  if (vsn === "2.0.0") return frame;
  return [frame.join_ref, frame.ref, frame.topic, frame.event, frame.payload];
}

/** A user's broadcast of vsn 2.0.0, whose payload is JSON: kind, five lengths, encoding, fields. */
function decodeBinary(bytes: Uint8Array): Project["frames"][number] {
  const text = new TextDecoder();
  const [, ...lengths] = bytes.subarray(0, 6);
  let at = 7;
  const [joinRef, ref, topic, event] = lengths.map((length) =>
    text.decode(bytes.subarray(at, at += length))
  );
  const payload = JSON.parse(text.decode(bytes.subarray(at)));
  return [joinRef, ref, topic, "broadcast", { type: "broadcast", event, payload }];
}

function encode(
  vsn: string,
  join_ref: unknown,
  ref: unknown,
  topic: string,
  event: string,
  payload: Payload,
): string {
  return JSON.stringify(
    vsn === "2.0.0"
      ? [join_ref, ref, topic, event, payload]
      : { join_ref, ref, topic, event, payload },
  );
}
