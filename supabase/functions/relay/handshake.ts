import { RelayError } from "./errors.ts";

/** True for a request that asks for a WebSocket (RFC 6455, 4.1). */
export function isUpgrade(headers: Headers): boolean {
  return headers.get("upgrade")?.toLowerCase() === "websocket";
}

/**
 * Throws where the runtime could not complete the handshake: it would throw after the upgrade, which
 * on Deno 2.1 ends the worker. `strictList` is Runtime.strictProtocolList.
 */
export function checkHandshake(
  headers: Headers,
  protocol: string | undefined,
  strictList: boolean,
): void {
  // Blanks of RFC 9110, 5.6.3, alone: trim() takes others for blanks, which Deno does not.
  const connection = (headers.get("connection") ?? "").toLowerCase().split(/[ \t]*,[ \t]*/);
  if (
    !connection.includes("upgrade") ||
    !headers.get("sec-websocket-key") || headers.get("sec-websocket-version") !== "13"
  ) {
    const message = "The WebSocket handshake lacks Connection: Upgrade, its key or its version 13.";
    throw new RelayError("bad_request", message);
  }
  const offered = headers.get("sec-websocket-protocol") ?? "";
  if (strictList && protocol && !offered.split(", ").includes(protocol)) {
    throw new RelayError("protocol_list", "The subprotocol list has no space after its commas.");
  }
}
