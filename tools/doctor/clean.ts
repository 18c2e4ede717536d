/**
 * What a terminal obeys, or reorders a line by, or shows nothing of: C0 and C1 (Cc), marks of
 * direction, joiners and tags (Cf), separators of lines, halves of characters.
 */
const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu;

/** Text that somebody else wrote, as one line that does nothing but be read. */
export const clean = (text: string): string => text.replace(OBEYED, " ").trim();

/** As much of an answer as a person reads. */
const MOST = 240;

/** The text, cut after a word where it is long. */
export function shorten(text: string): string {
  if (text.length <= MOST) return text;
  const end = text.lastIndexOf(" ", MOST);
  return `${text.slice(0, end > MOST / 2 ? end : MOST)} …`;
}
