import type { Link } from "../data/links.ts";
import type { Text } from "../text.ts";
import { find, write } from "./dom.ts";

/** Asks whether a link may go. Resolves with false also where the dialog is left by Escape. */
export function mayDelete({ slug, clicks }: Link, text: Text): Promise<boolean> {
  const dialog = find<HTMLDialogElement>("delete-dialog");
  write(find("delete-title"), text.of("delete.title", { link: `/${slug}` }));
  write(find("delete-text"), text.count("delete.text", clicks));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
  });
}
