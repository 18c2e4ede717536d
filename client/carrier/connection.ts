/**
 * The machine of the connection: which socket carries, and how the next one stands.
 *
 * ```
 *                  ┌─────────────── its time has come ───────────────┐
 *                  ▼      token()          socket is open       an answer from behind the relay
 *     idle ────▶ asking ────────▶ dialling ──────▶ proving ─────────────┬──▶ idle, it is active
 *      ▲           ▲ ▲               │                │                 │
 *      │           │ │   lost, or    ▼                ▼                 └──▶ joining, beside an active
 *      │           │ └──────────── waiting ◀───────────────────────────────     one: takes over when
 *      │           │   not in time   ▲                                          its topics are ready
 *      │           │                 │ any other code
 *      │           │ another token   │
 *      │        refused ◀── 4400, 4403, 4409; 4401 to the token that token() still gives
 *      └── detached: closed
 * ```
 *
 * `active` and `way` are the whole truth, and the status is read from them: without an active socket
 * it is never `live`. At most one call of token() is open; its answer serves whatever waits for it.
 */
import type { Link } from "../session/link.ts";
import { answer, doubt, noAnswer } from "./answers.ts";
import { dial, moved, notice, opened, proven, UNAUTHORIZED } from "./dialling.ts";
import { POLL_MS, Standing } from "./standing.ts";
import type { Act, Event, Moment } from "./way.ts";
import { ended, NO_ANSWER } from "./words.ts";

/** A link that lived for less has not shown that the trouble is over. */
const STABLE_MS = 5_000;

/** After a wake a dial that is older than this may hang in a network that is no more. */
const HUNG_MS = 1_000;

/** So may a younger one: it is not waited for any longer. */
const YOUNG_MS = 5_000;

/** Codes after which the same attempt would be refused again. */
const FINAL = [4400, 4403, 4409];

export class Connection extends Standing {
  step(event: Event, at: Moment): Act[] {
    this.at = at;
    this.#take(event);
    return this.acts.splice(0);
  }

  #take(event: Event): void {
    if (event.is === "attached") return this.#attach();
    if (event.is === "detached") return this.#detach();
    if (event.is === "token") return answer(this, event.token, event.own);
    if (event.is === "no token") return noAnswer(this, `token() failed: ${event.name}`);
    if (!this.isOn) return;
    switch (event.is) {
      case "forbidden":
        this.close(event.link);
        return this.forbid(event.link, event.reason);
      case "opened":
        return opened(this, event.link);
      case "proven":
        return proven(this, event.link);
      case "moved":
        return moved(this, event.link);
      case "closed":
        return this.#closed(event.link, event.code, event.reason);
      case "doubt":
        return doubt(this);
      case "notice":
        return notice(this, event.link, event.payload);
      case "woken":
        return this.#woken(event.why);
      case "retry":
        return this.active ? undefined : dial(this);
      case "used":
        return this.way.at === "refused" ? this.ask() : undefined;
      case "due":
        return this.#due();
    }
  }

  // --- the application's side

  #attach(): void {
    this.isOn = true;
    this.why = {};
    this.wasLive = this.wasRefused = false;
    this.attempts = 0;
    dial(this);
  }

  #detach(): void {
    for (const link of [this.beside, this.active, this.leaving?.link]) this.close(link);
    this.way = { at: "idle" };
    this.active = this.leaving = this.ending = undefined;
    this.moveAt = Infinity;
    this.isOn = false;
  }

  // --- endings

  #closed(link: Link, code: number | undefined, reason: string): void {
    const { way, active, beside, at } = this;
    this.close(link);
    const isOpening = beside === link;
    if (link !== active && !isOpening) return;
    if (isOpening && active) return this.again();
    this.why = { code, reason: ended(code, reason, !isOpening || way.at !== "dialling") };
    if (isOpening) return this.#consider(link, code);
    this.active = this.ending = undefined;
    this.moveAt = Infinity;
    if (at.now - link.provenAt! >= STABLE_MS) this.attempts = 0;
    if (beside) {
      // It is on its way already: it takes over as it is.
      if (way.at !== "dialling") this.do({ is: "over", link: beside });
    } else if (way.at !== "asking") this.#consider(link, code);
  }

  /** The link was closed with this code: where another attempt may help, it is dialled again. */
  #consider(link: Link, code?: number): void {
    if (FINAL.includes(code!)) return this.refuse(link.handshake);
    if (code !== UNAUTHORIZED) return this.again();
    this.way = { at: "asking", refused: link };
    this.ask();
  }

  // --- time

  /** The network or the page is back. */
  #woken(why: "online" | "visible"): void {
    const { way, active, at: { now } } = this;
    if (active) {
      this.do({ is: "woken", link: active });
      return this.ask();
    }
    if (way.at === "refused" && why === "online") return;
    this.attempts = 0; // What failed before says nothing of the network that there is now.
    if (way.at === "dialling" || way.at === "proving") {
      way.until = Math.min(way.until, now + YOUNG_MS);
      if (now - way.since < HUNG_MS) return;
      this.close(way.link);
      this.way = { at: "idle" };
    }
    dial(this);
  }

  #due(): void {
    const { way, ending, leaving, at: { now } } = this;
    if (this.lateAt <= now) this.#late();
    if (leaving && leaving.until <= now) {
      this.close(leaving.link);
      this.leaving = undefined;
    }
    if (ending && ending.askAt <= now) {
      ending.askAt = now + POLL_MS;
      this.ask();
    }
    if (way.at === "waiting" && way.until <= now) dial(this);
    else if (way.at === "refused" && way.pollAt <= now) {
      way.pollAt = now + POLL_MS;
      this.ask();
    } else if ((way.at === "dialling" || way.at === "proving") && way.until <= now) {
      this.#closed(way.link, 1006, "The socket does not answer.");
    } else if (way.at === "idle" && this.moveAt <= now) dial(this);
  }

  /** token() does not answer. Whoever is live stays live, unless it is in doubt for whom. */
  #late(): void {
    this.isLate = true;
    if (this.dropMuted(NO_ANSWER)) this.way = { at: "asking" };
  }
}
