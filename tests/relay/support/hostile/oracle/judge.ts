import { Violation } from "../invariants.ts";
import type { Message } from "../network/frames.ts";
import type { Party } from "../network/party.ts";
import type { Line } from "../realtime/line.ts";
import type { Court } from "./court.ts";
import { holdAnswers, holdPatience, holdTrunk } from "./given_up.ts";
import { HttpJudge } from "./http.ts";
import { holdLimits } from "./limits.ts";
import { holdBound, holdHeld, holdReader } from "./memory.ts";
import { holdSharing } from "./sharing.ts";
import { holdStanding } from "./standing.ts";
import { UpstreamJudge } from "./upstream.ts";
import { holdRefusal, holdRoom, holdWaiting, mostWaiting } from "./waiting.ts";

/** Holds what passes in a world to the sentences. Everything but `http` throws a Violation. */
export class Judge {
  readonly http: HttpJudge;
  readonly upstream: UpstreamJudge;

  constructor(readonly world: Court) {
    this.http = new HttpJudge(world);
    this.upstream = new UpstreamJudge(world);
  }

  /** The relay has heard a client. */
  heard(party: Party): void {
    holdHeld(this.world, party);
  }

  /** The relay sends to Realtime. */
  sends(line: Line, message: Message): void {
    this.upstream.sends(line, message);
    holdBound(this.world, line.end, "a socket to Realtime");
  }

  /** The relay sends to a client. */
  tells(party: Party, message: Message): void {
    const { client, end, options } = party;
    if (typeof message === "string" && party.protocol === "realtime-relay.v2") {
      for (const part of message.split("\n")) client.told(part);
    } else client.told(message);
    holdBound(this.world, end, `client ${options.index}`);
  }

  /** The relay closes a client's socket. */
  closes(party: Party, code: number, reason: string): void {
    try {
      holdPatience(this.world, party, reason);
      if (code === 4413 && reason.startsWith("unread")) holdReader(this.world, party);
      if (reason.startsWith("upstream_timeout")) holdAnswers(this.world, party, reason);
    } finally {
      party.client.over();
    }
  }

  /** Somebody has come, and whoever was to make room was told so. */
  came(): void {
    holdRoom(this.world);
  }

  /** A socket is there; it counts until its close event. */
  upgraded(): void {
    const { parties, settings } = this.world;
    const { maxSockets, refusalMax } = settings;
    // Twice the number in a burst, and as many that were told to go and are not gone.
    const waiting = 3 * mostWaiting(settings);
    const there = parties.filter(({ isUpgraded, end }) => isUpgraded && end.readyState !== 3);
    if (there.length <= maxSockets + refusalMax + waiting) return;
    const seen = `${there.length} sockets, of ${maxSockets}, ${refusalMax} and ${waiting}`;
    throw new Violation("places", seen);
  }

  /** `party` is whom the line is about. */
  logs(line: Record<string, unknown>, party: Party | undefined): void {
    if (/sb_(secret|publishable)|eyJ/.test(JSON.stringify(line))) {
      throw new Violation("upstream", "a key in the log");
    }
    if (line.event === "refuse") holdRefusal(this.world, party, String(line.code));
    if (line.event === "hub_lost") holdTrunk(this.world);
  }

  /** What is to be true at any time. */
  now(): void {
    holdSharing(this.world);
    holdStanding(this.world);
    holdLimits(this.world);
    holdWaiting(this.world);
  }
}
