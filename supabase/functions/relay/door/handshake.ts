import { RelayError } from "../errors.ts";
import { headerOf } from "./header.ts";

/** Far more options than any browser or proxy lists. */
const MAX_CONNECTION_LENGTH = 1_024;

/** With the blanks of RFC 9110, 5.6.3, alone: trim() takes others for blanks, which Deno does not. */
const UPGRADE = /^[ \t]*upgrade[ \t]*$/i;

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
  const options = headerOf(headers, "connection", MAX_CONNECTION_LENGTH).split(",");
  if (
    !options.some((option) => UPGRADE.test(option)) ||
    !headers.get("sec-websocket-key") || headers.get("sec-websocket-version") !== "13"
  ) {
    const message = "The WebSocket handshake lacks Connection: Upgrade, its key or its version 13.";
    throw new RelayError("bad_request", message);
  }
  const offered = headerOf(headers, "sec-websocket-protocol");
  if (strictList && protocol && !offered.split(", ").includes(protocol)) {
    throw new RelayError("protocol_list", "The subprotocol list has no space after its commas.");
  }
}
