import { en, type Key } from "./locales/en.ts";
import { zhHant } from "./locales/zh_hant.ts";

export type { Key };
export type Language = "en" | "zh-Hant";
/** A key that has the forms `.one` and `.other`. */
export type CountKey = Extract<Key, `${string}.one`> extends `${infer K}.one` ? K : never;
export type Values = Record<string, string | number>;

export const DICTIONARIES: Record<Language, Record<Key, string>> = { "en": en, "zh-Hant": zhHant };

/** Whether the page speaks it. */
export function isLanguage(name: string | null): name is Language {
  return name !== null && Object.hasOwn(DICTIONARIES, name);
}

/** The language that the browser's list (`navigator.languages`) prefers of those. */
export function preferred(languages: readonly string[]): Language {
  for (const language of languages) {
    if (/^zh\b/i.test(language)) return "zh-Hant";
    if (/^en\b/i.test(language)) return "en";
  }
  return "en";
}

/** The words, numbers and times of one language. */
export class Text {
  readonly #dictionary: Record<Key, string>;
  readonly #plural: Intl.PluralRules;
  readonly #number: Intl.NumberFormat;
  readonly #ago: Intl.RelativeTimeFormat;
  readonly #clock: Intl.DateTimeFormat;

  constructor(readonly language: Language) {
    const locale = language === "en" ? "en" : "zh-Hant-TW";
    this.#dictionary = DICTIONARIES[language];
    this.#plural = new Intl.PluralRules(locale);
    this.#number = new Intl.NumberFormat(locale);
    this.#ago = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
    this.#clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
  }

  /** The text of a key. A value that is not there leaves its `{name}` standing. */
  of(key: Key, values: Values = {}): string {
    return this.#dictionary[key].replaceAll(
      /\{(\w+)\}/g,
      (name, key) => String(values[key] ?? name),
    );
  }

  /** The form of `key` that this count takes; `{count}` is the number. */
  count(key: CountKey, count: number, values: Values = {}): string {
    const form = this.#plural.select(count) === "one" ? "one" : "other";
    return this.of(`${key}.${form}` as Key, { ...values, count: this.number(count) });
  }

  number(value: number): string {
    return this.#number.format(value);
  }

  /** `2 min. ago`; times are milliseconds since the epoch. The future counts as now. */
  ago(time: number, now: number): string {
    const seconds = Math.max(0, Math.floor((now - time) / 1000));
    // Nobody wants a number that changes each second.
    if (seconds < 10) return this.of("link.now");
    if (seconds < 60) return this.#ago.format(-Math.floor(seconds / 10) * 10, "second");
    if (seconds < 3600) return this.#ago.format(-Math.floor(seconds / 60), "minute");
    if (seconds < 86_400) return this.#ago.format(-Math.floor(seconds / 3600), "hour");
    return this.#ago.format(-Math.floor(seconds / 86_400), "day");
  }

  /** The time of day. */
  clock(time: number): string {
    return this.#clock.format(time);
  }
}
