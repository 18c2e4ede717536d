/** Serves one client: each message that comes by its socket, to who handles it. */
import type { Tenant } from "../tenant.ts";
import type { Identity } from "../token.ts";
import type { Message, Vsn } from "../wire/message.ts";
import { renew } from "./access_token.ts";
import { broadcast } from "./broadcast.ts";
import type { Channel, Client } from "./channel.ts";
import { join } from "./join.ts";
import { presence } from "./presence.ts";
import { ClientSocket } from "./socket.ts";

interface ClientOptions {
  tenant: Tenant;
  vsn: Vsn;
  /** Of the token in the handshake. */
  identity: Identity;
  headers: string;
}

/** Serves whoever is at the other end of the socket, until that is closed. */
export function serveClient(web: WebSocket, options: ClientOptions): ClientSocket {
  const { tenant, vsn, identity, headers } = options;
  const channels: Client["channels"] = new Map();
  const socket = new ClientSocket(web, {
    ...{ vsn, limits: tenant.limits, log: tenant.log },
    onMessage: (message) => dispatch(client, message),
    onEnd: () => [...channels.values()].forEach((channel) => channel.stop()),
  });
  const client: Client = { tenant, socket, identity, headers, channels };
  return socket;
}

function dispatch(client: Client, message: Message): void | Promise<void> {
  const { socket, channels } = client;
  const { topic, event } = message;
  if (topic === "phoenix" && event === "heartbeat") return socket.reply(message, "ok");
  if (event === "phx_join") return join(client, message);
  const channel = channels.get(topic);
  if (channel) return handle(channel, message);
  if (event === "phx_leave") return socket.reply(message, "ok");
  socket.reply(message, "error", '{"reason":"unmatched topic"}');
}

/** What a channel gets, but for joins. What it does not know it ignores, and leaves of other joins. */
function handle(channel: Channel, message: Message): void | Promise<void> {
  switch (message.event) {
    case "phx_leave":
      if (!channel.isOf(message)) return;
      channel.stop();
      channel.reply(message, "ok");
      return channel.close();
    case "access_token":
      return renew(channel, message);
    case "presence":
      return presence(channel, message);
    case "broadcast":
      return broadcast(channel, message);
  }
}
