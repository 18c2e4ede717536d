import { NoAnswer } from "../../ask/connect.ts";
import type { Answer } from "../../ask/receive.ts";
import { type Check, found, ok } from "../../check.ts";
import type { Context } from "../../context.ts";
import { LOGIN_LINES } from "../../fixes/logins.ts";
import { wayOf } from "../../fixes/way.ts";
import { isPassedOn, recognise, tracesOf } from "../../identify/recognise.ts";
import { describe, type FindingId } from "../../findings/mod.ts";
import { blame } from "../../judge/blame.ts";
import type { Fact } from "../../judge/known.ts";
import { findGateway } from "./gateway.ts";
import { askBehind, byRealtime, takenBy } from "./hops.ts";
import { askUpgrade, explain } from "./ways.ts";

/** Asks for the upgrade at the front, and where that fails, at each hop behind it. */
export async function probeUpgrade(context: Context): Promise<Check[]> {
  const { options, target } = context;
  const front = target.socket;
  const { answer, reading } = await askUpgrade(front, context);
  const isAnswer = !(answer instanceof NoAnswer);
  context.proxy = options.proxy ?? (isAnswer ? recognise(answer) : undefined);
  const traces = isAnswer ? tracesOf(answer) : "";
  if (!reading) {
    return [ok("upgrade", `101 at ${front.origin}${front.pathname}${traces}`, ...shown(context))];
  }
  const [behind, gateway] = await Promise.all([askBehind(context, reading), findGateway(context)]);
  context.gateway = gateway;
  const id = await explain(reading, front, context);
  // The key is nobody's on the way.
  const isOfKey = describe(id).area === "keys" && id !== "server_secret_differs";
  const hop = isOfKey ? undefined : placeOf(id) ?? placeBehind(
    id,
    answer,
    blame([
      { name: "the front", asked: "fails", byRealtime: byRealtime({ ...reading, id }) },
      ...behind.map(({ hop }) => hop),
    ]),
  );
  const shows: Fact[] = isAnswer ? ["front_answers"] : [];
  const saw = `${reading.saw}${traces}`;
  const paste = LOGIN_LINES[reading.login ?? ""]?.(wayOf(front), front.hostname).split("\n");
  return [
    found(id, saw, { area: "upgrade", says: saysOf(id, context), hop, shows, paste }),
    ...behind.map(({ check }) => check),
  ];
}

/** The table's sentence is of Realtime's own socket. */
function saysOf(id: FindingId, { target }: Context): string | undefined {
  if (id !== "upgrade_dropped" || target.kind !== "relay") return undefined;
  return "A proxy drops the headers Upgrade and Connection, so the relay sees a plain request.";
}

/** A relay opens its socket by itself: nothing is known then of Realtime. */
function shown(context: Context): Fact[] {
  if (context.target.kind === "relay") return ["socket_opens"];
  return ["socket_opens", ...takenBy(context)];
}

/** What an edge says about the server behind it. */
const OF_EDGES: FindingId[] = ["origin_unreachable", "origin_tls", "tunnel_down"];
const BEHIND = "what is behind the front";
const placeOf = (id: FindingId) =>
  OF_EDGES.includes(id) ? BEHIND : id === "network_login" ? "this network" : undefined;

/** The front is not to blame for a page of another proxy's, but for how it asks that one. */
function placeBehind(id: FindingId, answer: Answer | NoAnswer, hop: string): string {
  const isOfFront = hop !== "the front" || id === "https_wanted_behind";
  return isOfFront || answer instanceof NoAnswer || !isPassedOn(answer) ? hop : BEHIND;
}
