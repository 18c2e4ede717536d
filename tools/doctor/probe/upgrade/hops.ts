import { NoAnswer } from "../../ask/connect.ts";
import { blind, type Check, ok } from "../../check.ts";
import { type Context, keyOf } from "../../context.ts";
import type { Fact } from "../../judge/known.ts";
import type { FindingId } from "../../findings/mod.ts";
import { projectUrl } from "../../identify/address.ts";
import { decode } from "../keys/jwt.ts";
import type { Hop } from "../../judge/blame.ts";
import type { Reading } from "./answer.ts";
import { type Asked, askUpgrade, tenantHost } from "./ways.ts";
import { isGateway, readWords } from "./words.ts";

/** A hop behind the front: what became of asking it by itself, and what that was. */
export interface Behind {
  hop: Hop;
  check: Check;
}

/** Asks each hop behind the front that was named; `front` is how that one failed. */
export function askBehind(context: Context, front: Reading): Promise<Behind[]> {
  const { direct, realtime } = context.options;
  const behind: Promise<Behind>[] = [];
  if (direct) {
    const url = new URL("realtime/v1/websocket", projectUrl(direct));
    behind.push(askHop("the gateway", url, context, front));
  }
  if (realtime) {
    const path = realtime.pathname.replace(
      /(?:\/socket)?(?:\/websocket)?\/*$/,
      "/socket/websocket",
    );
    behind.push(askHop("Realtime", new URL(path, realtime), context, front));
  }
  return Promise.all(behind);
}

/** Realtime is asked as its gateway would: by its tenant's name. Only a gateway knows opaque keys. */
async function askHop(
  name: Hop["name"],
  url: URL,
  context: Context,
  front: Reading,
): Promise<Behind> {
  const isRealtime = name === "Realtime";
  const asked = await askUpgrade(url, context, isRealtime ? tenantHost(context) : undefined);
  const isWell = isRealtime && asked.reading?.id === "key_not_swapped";
  const reading = isWell ? undefined : asked.reading;
  const words = `${name} by itself (${url.origin})`;
  if (!reading) {
    const check = ok("upgrade", `${words}: 101`, ...(asked.reading ? [] : takenBy(context)));
    return { hop: { name, asked: "well" }, check };
  }
  const isFront = url.host === context.target.socket.host;
  const why = isFront ? "it is the front itself" : whyNotAsked(asked, reading);
  if (why) {
    const check = blind("upgrade", `${words} could not be asked from here: ${why}`);
    return { hop: { name, asked: "unasked" }, check };
  }
  const check: Check = { area: "upgrade", state: "failed", saw: `${words}: ${reading.saw}` };
  // It fails in a way of its own, which is not what the front's clients meet.
  if (!isSame(front, reading)) return { hop: { name, asked: "unasked" }, check };
  return { hop: { name, asked: "fails", byRealtime: byRealtime(reading) }, check };
}

/** What a hop says, or does, whose next one does not answer it. */
const DOWN: FindingId[] = [
  ...["gateway_unreachable", "server_error", "closed_unanswered", "unanswered"] as const,
  "origin_unreachable",
];

/** Whether a hop fails as the front does: what fails behind fails before as well. */
const isSame = (front: Reading, reading: Reading): boolean =>
  front.id === reading.id || DOWN.includes(front.id) && DOWN.includes(reading.id) ||
  byRealtime(front) && byRealtime(reading);

/** What a gateway or Realtime may well say, whatever the words. */
const OF_HOPS: FindingId[] = [
  ...["refused_403", "gateway_unreachable", "server_error", "key_not_swapped"] as const,
  ...["rate_limited", "shut_by_proxy"] as const,
];

/** What is not reached, or is somebody else, can be blamed for nothing. */
function whyNotAsked({ answer }: Asked, reading: Reading): string | undefined {
  if (answer instanceof NoAnswer) {
    return ["closed", "silent"].includes(answer.kind) ? undefined : reading.saw;
  }
  const isKnown = isGateway(answer.body) || readWords(answer.body) !== undefined ||
    OF_HOPS.includes(reading.id);
  return isKnown ? undefined : `${reading.saw}, which is not the words of a gateway or of Realtime`;
}

/** What a hop shows that let in: Realtime was at its other end, and took the key, if that is a JWT. */
export const takenBy = (context: Context): Fact[] =>
  decode(keyOf(context) ?? "") ? ["realtime_opens", "key_accepted"] : ["realtime_opens"];

/** Said by Realtime, done by a proxy before it. */
const OF_PROXIES = [
  ...[
    "upgrade_dropped",
    "rewrite_drops_upgrade",
    "handshake_dropped",
    "http_version",
    "query_dropped",
    "host_not_tenant",
  ],
];

/** Whether the answer says that the request arrived at Realtime as it was sent. */
export const byRealtime = ({ id, fromRealtime }: Reading): boolean =>
  (fromRealtime || id === "refused_403") && !OF_PROXIES.includes(id);
