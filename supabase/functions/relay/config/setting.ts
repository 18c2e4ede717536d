/** One variable of the environment. */
export interface Setting<Value> {
  /** Reads a text that is not empty; throws where it is wrong. */
  read(text: string): Value;
  /** Where the variable is absent; throws where it may not be. */
  initial(): Value;
  /** What the variable has to be, for whoever got it wrong. */
  wants?: string;
  /** Its value is never shown. */
  hidden?: boolean;
}

/** Throws unless the condition holds. */
export function must(condition: boolean): asserts condition {
  if (!condition) throw new TypeError("wrong");
}

/** A variable that may be absent. */
export const optional = <Value>(
  read: (text: string) => Value,
  wants?: string,
  hidden = false,
): Setting<Value | undefined> => ({ read, initial: () => undefined, wants, hidden });

export const withDefault = <Value>(
  initial: Value,
  read: (text: string) => Value,
  wants?: string,
): Setting<Value> => ({ read, initial: () => initial, wants });

/** One of these words, by default the `initial` one. */
export const word = <Word extends string>(initial: NoInfer<Word>, ...words: Word[]) =>
  withDefault<Word>(initial, (text) => {
    const found = words.find((word) => word === text);
    must(found !== undefined);
    return found;
  }, `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`);

/** A whole number within bounds. */
export const number = <Initial extends number | undefined>(
  min: number,
  max: number,
  initial: Initial,
  unit: string,
) =>
  withDefault<number | Initial>(initial, (text) => {
    must(/^\d+$/.test(text) && Number(text) >= min && Number(text) <= max);
    return Number(text);
  }, `${unit} from ${min} to ${max}`);

/** Items that are separated by commas; blanks around them, and empty ones, do not count. */
export const itemsOf = (text: string): string[] =>
  text.split(",").map((item) => item.trim()).filter(Boolean);

/** The same, at least one, each of which is read by itself. */
export const someOf = (read: (item: string) => string) => (text: string): string[] => {
  const items = itemsOf(text).map(read);
  must(items.length > 0);
  return items;
};

export type Json = Record<string, unknown>;

/** A JSON object, no list. */
export function asObject(value: unknown): Json {
  must(typeof value === "object" && value !== null && !Array.isArray(value));
  return value as Json;
}

export function asList(value: unknown): unknown[] {
  must(Array.isArray(value));
  return value;
}
