import { Violation } from "../invariants.ts";
import type { Party } from "../network/party.ts";
import { ROOMY } from "../world/settings.ts";
import type { Court } from "./court.ts";

/** So many channels of one wire format have room in the hub, whatever the other one does. */
const FEW = 4;

/** Who joins more often may have a socket of its own. */
const CALM = 3;

/** What somebody had who left, and is closed, is gone by then. */
const GONE_MS = 10_000;

/** To be asked when somebody joins: true where there is so much to look at that the hub may be full. */
export function isCrowded(
  { parties, time }: Pick<Court, "parties" | "time">,
  vsn: string,
): boolean {
  const asked = new Set<string>();
  for (const { client, options, end } of parties) {
    const isGone = end.closedAt! <= time.awakeFor(GONE_MS);
    if (options.vsn !== vsn || isGone) continue;
    for (const ask of client.asked) if (asked.add(ask).size > FEW) return true;
  }
  return false;
}

/** Viewers who do nothing but look at one thing, and have so for a while, look through one channel. */
export function holdSharing({ realtime, parties, settings, time }: Court): void {
  if (!settings.share || !realtime.isFine) return;
  // For which Realtime has no room looks by a socket of its own.
  if (settings.maxChannels < ROOMY.maxChannels) return;
  for (const vsn of ["1.0.0", "2.0.0"]) {
    const channels = [...realtime.lines].filter((line) => line.vsn === vsn)
      .flatMap((line) => [...line.channels.values()])
      .map(({ ask }) => ask);
    const names = new Set(channels);
    // Where there is so much to look at, a viewer may find no place in the hub.
    if (names.size > FEW) continue;
    for (const name of names) {
      const lookers = parties.filter(({ client, options, isOpen }) =>
        isOpen && options.vsn === vsn && client.asked.has(name)
      );
      const left = parties.filter(({ client, end }) =>
        client.asked.has(name) &&
        (end.readyState === 2 || end.closedAt! > time.awakeFor(GONE_MS))
      );
      const alone = left.length +
        lookers.filter(mayBeAlone).length;
      const count = channels.filter((it) => it === name).length;
      if (lookers.length + left.length - alone < 2 || count <= 1 + alone) continue;
      throw new Violation("sharing", `${lookers.length} viewers of ${name} have ${count} channels`);
    }
  }
}

/** It may have a socket to Realtime of its own. */
export const mayBeAlone = ({ client }: Party): boolean =>
  client.isAlone || client.wasCrowded || client.wasTroubled || client.joins > CALM;
