import { type Frame, nameOf } from "../../frame.ts";
import { FLOWING } from "../../gap/track.ts";
import { IN_FLIGHT_MS, type Place } from "../channel.ts";
import type { Link } from "../link.ts";
import { type Change, close, openPart, recover } from "../missing.ts";
import { answer, ready, TOKEN_TROUBLE, wait, waitForOver } from "./join.ts";

/** How often a subscription that had worked is tried again before the application is told. */
const SUBSCRIBE_TRIES = 3;

export function system(change: Change, link: Link, place: Place, frame: Frame): void {
  const { channel, at: { active } } = change;
  const { extension, status, message } = frame.payload;
  const isChanges = extension === "postgres_changes";
  if (isChanges && place.stage.at === "subscribing" && place.stage.answer) {
    answer(change, link, place.stage.answer);
  }
  if (status === "error") {
    if (channel.told && TOKEN_TROUBLE.test(String(message))) {
      return void change.deeds.push({ do: "distrust", link });
    }
    if (isChanges && (place.stage.at !== "ready" || link !== active)) {
      return unsubscribed(change, link, place, frame);
    }
    channel.reported.delete(extension);
    if (isChanges) troubled(change, link, String(message));
    if (link === active) change.deeds.push({ do: "deliver", frame });
    return;
  }
  const isKnown = channel.reported.has(extension);
  if (!isKnown) {
    channel.reported.add(extension);
    change.deeds.push({ do: "deliver", frame });
  }
  if (!isChanges) return;
  const trouble = link === active && channel.trouble;
  // Rows that came in between come before newer ones.
  if (trouble) openPart(change, "rows", trouble.since);
  // While a join is under way it is said of the one before.
  if (place.stage.at === "subscribing") ready(change, link, place);
  else if (trouble) recover(change);
  if (trouble) channel.trouble = undefined;
}

/** From now on rows may be missing. */
function troubled({ channel }: Change, { freshAt }: Link, reason: string): void {
  const { since = freshAt - IN_FLIGHT_MS } = channel.trouble ?? {};
  channel.trouble = { reason, since };
}

/** A subscription that had worked is tried again; one that stays refused is told. */
function unsubscribed(change: Change, link: Link, place: Place, frame: Frame): void {
  const { channel, at: { active } } = change;
  const { extension, message } = frame.payload;
  const reason = String(message);
  const hadWorked = channel.reported.has(extension);
  if (channel.told && hadWorked && channel.failures < SUBSCRIBE_TRIES) {
    return wait(change, link, place, reason);
  }
  if (link !== active) return waitForOver(change, place, reason);
  channel.reported.delete(extension);
  troubled(change, link, reason);
  change.deeds.push({ do: "deliver", frame });
  if (hadWorked) close(change, "rows", "events", reason);
  channel.parts.rows = FLOWING;
  ready(change, link, place);
  change.deeds.push({ do: "flow" });
}

/** "Subscribed" does not come. */
export function silent(change: Change, link: Link, place: Place): void {
  const frame = word(change, "error", "Subscribing to PostgreSQL takes too long.");
  unsubscribed(change, link, place, frame);
}

/** The subscription had trouble on the link before, and stands on the one that is active now. */
export const resubscribed = (change: Change, link: Link, place: Place): void =>
  system(change, link, place, word(change, "ok", "Subscribed to PostgreSQL"));

function word({ channel: { topic } }: Change, status: "ok" | "error", message: string): Frame {
  const payload = { extension: "postgres_changes", status, channel: nameOf(topic), message };
  return { topic, event: "system", payload };
}
