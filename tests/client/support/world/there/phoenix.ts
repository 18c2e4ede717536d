type Message = () => void;

/**
 * A socket's process at Phoenix: it takes what comes one by one, and while a channel is let in it
 * takes nothing else, neither what the client sends nor what other processes send to the client.
 */
export class Phoenix {
  readonly #mailbox: Message[] = [];
  #isHeld = false;

  take(message: Message): void {
    if (this.#isHeld) this.#mailbox.push(message);
    else message();
  }

  /** Takes nothing until that is over. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    while (!this.#isHeld && this.#mailbox.length > 0) this.#mailbox.shift()!();
  }
}
