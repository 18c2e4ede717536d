import { DOOR } from "./door.ts";
import type { Guard } from "./guard.ts";
import { HUB } from "./hub.ts";
import { MENDED } from "./mended.ts";
import { PEER } from "./peer.ts";
import { SOCKET } from "./socket.ts";
import { WAITING } from "./waiting.ts";

/** Every guard that is taken out in turn. */
export const GUARDS: Guard[] = [...MENDED, ...DOOR, ...WAITING, ...HUB, ...SOCKET, ...PEER];
