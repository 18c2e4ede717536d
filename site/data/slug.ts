/** As in the check of public.short_links. */
const SLUG = /^[A-Za-z0-9_-]{1,64}$/;
/** Without 0, 1, i, l and o, which are hard to tell apart. */
const READABLE = "abcdefghjkmnpqrstuvwxyz23456789";
/** What a person still reads at a glance. */
const SUGGESTED = 24;

export type SlugProblem = "new.slug.empty" | "new.slug.letters";

/** What is wrong with a slug, apart from being taken. */
export function slugProblem(slug: string): SlugProblem | undefined {
  if (!slug) return "new.slug.empty";
  if (!SLUG.test(slug)) return "new.slug.letters";
}

export type TargetProblem = "new.target.empty" | "new.target.invalid" | "new.target.long";

/** What is wrong with the address that a link leads to; the database checks the same. */
export function targetProblem(target: string): TargetProblem | undefined {
  if (!target) return "new.target.empty";
  if (!/^https?:\/\/\S+$/i.test(target) || !URL.canParse(target)) return "new.target.invalid";
  if (target.length > 2048) return "new.target.long";
}

/**
 * A slug for an address: the last words of its path, else its host's name, else six random letters.
 * `random` gives numbers from 0 to below 1.
 */
export function suggestSlug(target: string, random = Math.random): string {
  if (!targetProblem(target)) {
    const { pathname, hostname } = new URL(target);
    const [host] = hostname.replace(/^www\./, "").split(".");
    for (const part of [...pathname.split("/").reverse(), /^\d+$/.test(host) ? "" : host]) {
      const words = simplify(part);
      if (/[a-z]{2}/.test(words)) return words;
    }
  }
  return Array.from({ length: 6 }, () => READABLE[Math.floor(random() * READABLE.length)]).join("");
}

/** Lower case words joined by dashes, cut at the end of one. */
function simplify(part: string): string {
  const words = part.replace(/\.\w{1,5}$/, "").toLowerCase().split(/[^a-z0-9]+/).filter(Boolean);
  let slug = "";
  for (const word of words) {
    const longer = slug ? `${slug}-${word}` : word;
    if (longer.length > SUGGESTED) break;
    slug = longer;
  }
  return slug;
}
