import { headline, type Shown, splitReason } from "../light.ts";
import type { Text } from "../text.ts";
import { find, write } from "./dom.ts";

/** The connection light in the page's bar, and what it tells when it is opened. */
export class ConnectionView {
  readonly #light = find<HTMLButtonElement>("light");
  readonly #details = find("details");
  readonly #retries = document.querySelectorAll<HTMLButtonElement>(".retry");

  constructor(retry: () => void) {
    for (const button of this.#retries) button.onclick = retry;
    this.#light.onclick = () => this.#open(this.#light.ariaExpanded !== "true");
    document.addEventListener("click", ({ target }) => {
      if (!(target as Element).closest(".connection")) this.#open(false);
    });
    document.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape" || this.#details.hidden) return;
      this.#open(false);
      this.#light.focus();
    });
  }

  /** Shows how the connection stands; reconnecting counts down with `now`. */
  show(status: Shown, text: Text, now: number): void {
    const { state, since, lastEventAt, caughtUp, relay } = status;
    const words = text.of(...headline(status, now));
    this.#light.dataset.state = state;
    this.#light.ariaLabel = text.of("light.label", { state: words });
    write(find("light-text"), words);
    this.#showRelay(relay);
    write(find("details-since"), text.clock(since));
    write(find("details-last"), lastEventAt ? text.clock(lastEventAt) : text.of("details.none"));
    write(find("details-caught"), text.count("details.events", caughtUp));
    // Without its seconds, which nobody wants to hear counted.
    write(find("light-said"), text.of(`light.${state}`));
    // Channels are tried again by themselves.
    const waits = state === "reconnecting" || state === "refused" && !status.channelOnly;
    for (const button of this.#retries) button.hidden = !waits;
    this.#showRefusal(status, text);
  }

  /** It may go on in another line behind each of its slashes. */
  #showRelay(address: string): void {
    const element = find("details-relay");
    if (element.textContent === address) return;
    const parts = address.split(/(?<=\/)/);
    element.replaceChildren(...parts.flatMap((part) => [document.createElement("wbr"), part]));
  }

  #showRefusal({ state, code, reason, channelOnly }: Shown, text: Text): void {
    const refusal = splitReason(reason);
    const known = state !== "live" && (code !== undefined || Boolean(reason));
    for (const element of this.#details.querySelectorAll<HTMLElement>(".refusal")) {
      element.hidden = !known;
    }
    write(find("details-code"), [code, refusal.code].filter(Boolean).join(" "));
    write(find("details-advice"), refusal.advice);
    find("details-advice").hidden = !known || !refusal.advice;
    find("refusal").hidden = state !== "refused";
    write(find("refusal-title"), text.of(channelOnly ? "notice.refused.topic" : "notice.refused"));
    write(find("refusal-code"), refusal.code || String(code ?? ""));
    write(find("refusal-advice"), refusal.advice);
  }

  #open(open: boolean): void {
    this.#details.hidden = !open;
    this.#light.ariaExpanded = String(open);
  }
}
