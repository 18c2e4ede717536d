import type { Key, Text } from "../text.ts";

/** The element of index.html with this id. */
export function find<E extends Element = HTMLElement>(id: string): E {
  return document.getElementById(id) as unknown as E;
}

/** Fills in every text that index.html names by its key. */
export function translate(root: ParentNode, text: Text): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-text]")) {
    element.textContent = text.of(element.dataset.text as Key);
  }
  for (const element of root.querySelectorAll<HTMLElement>("[data-label]")) {
    element.ariaLabel = text.of(element.dataset.label as Key);
  }
  for (const element of root.querySelectorAll<HTMLElement>("[data-hint]")) {
    element.title = text.of(element.dataset.hint as Key);
  }
  for (const element of root.querySelectorAll<HTMLInputElement>("[data-placeholder]")) {
    element.placeholder = text.of(element.dataset.placeholder as Key);
  }
}

/** Changes the text only where it differs, so that nothing is announced or laid out again. */
export function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows an error next to its field, or none. */
export function showError(id: string, message: string): void {
  write(find(`${id}-error`), message);
  const input = find(id);
  if (input instanceof HTMLInputElement) input.ariaInvalid = message ? "true" : null;
}

/** What was typed in, without blanks at its ends. */
export function fieldsOf(form: HTMLFormElement): Record<string, string> {
  const entries = [...new FormData(form)].map(([name, value]) => [name, String(value).trim()]);
  return Object.fromEntries(entries);
}
