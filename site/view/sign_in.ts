import { authProblem } from "../problem.ts";
import type { Text } from "../text.ts";
import { fieldsOf, find, showError, write } from "./dom.ts";

/** The person's account in the bar, and the dialog to sign in. */
export class SignInView {
  readonly #dialog = find<HTMLDialogElement>("sign-dialog");
  readonly #form = find<HTMLFormElement>("sign-form");
  #email: string | undefined;

  constructor(
    readonly text: () => Text,
    readonly demo: string[],
    readonly account: {
      /** Rejects with Auth's error. */
      signIn(email: string, password: string): Promise<void>;
      signOut(): Promise<void>;
    },
  ) {
    find("sign").onclick = () => this.#email ? account.signOut() : this.#ask();
    find("sign-cancel").onclick = () => this.#dialog.close();
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
  }

  /** @param email of whoever is signed in. */
  show(email: string | undefined): void {
    this.#email = email;
    const text = this.text();
    find("sign").hidden = false;
    write(find("sign"), text.of(email ? "sign.out" : "sign.in"));
    find("who").hidden = !email;
    write(find("who"), email ?? "");
    find("who").title = email ?? "";
    find("sign-demo").hidden = this.demo.length === 0;
    write(find("sign-demo"), text.of("sign.demo", { users: this.demo.join(", ") }));
  }

  #ask(): void {
    this.#form.reset();
    this.#showErrors("", "", "");
    this.#dialog.showModal();
    find("sign-email").focus();
  }

  async #submit(): Promise<void> {
    const { email, password } = fieldsOf(this.#form);
    const text = this.text();
    const missing = [
      email ? "" : text.of("sign.email.empty"),
      password ? "" : text.of("sign.password.empty"),
    ];
    this.#showErrors(missing[0], missing[1], "");
    if (missing.some(Boolean)) return find(email ? "sign-password" : "sign-email").focus();
    const button = this.#form.querySelector<HTMLButtonElement>("[type=submit]")!;
    button.disabled = true;
    try {
      await this.account.signIn(email, password);
      this.#dialog.close();
    } catch (error) {
      const { key, values, field } = authProblem(error);
      const words = text.of(key, values);
      this.#showErrors(field === "email" ? words : "", "", field ? "" : words);
      find("sign-password").focus();
    } finally {
      button.disabled = false;
    }
  }

  #showErrors(email: string, password: string, form: string): void {
    showError("sign-email", email);
    showError("sign-password", password);
    showError("sign", form);
  }
}
