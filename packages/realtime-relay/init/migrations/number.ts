const ONE_S = 1_000;
const FIRST_FIVE = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/;

/**
 * Numbers for so many new migrations: the time, as the Supabase CLI numbers them, or behind the
 * newest that is there, whatever its kind. The CLI applies them in the order of their names.
 */
export function numbersBehind(newest: string, count: number, now: Date): string[] {
  const numbers: string[] = [];
  let last = newest;
  for (let n = 0; n < count; n++) {
    const byTime = numberOf(new Date(now.getTime() + n * ONE_S));
    last = byTime > last ? byTime : next(last);
    numbers.push(last);
  }
  return numbers;
}

/** The number of a migration's file; empty where it has none. */
export const numberIn = (name: string): string => /^\d+(?=_)/.exec(name)?.[0] ?? "";

const numberOf = (time: Date): string => time.toISOString().replace(/\D/g, "").slice(0, 14);

/** The next one in the order of names: a second later where it is a time, else one more. */
function next(number: string): string {
  const [, ...parts] = FIRST_FIVE.exec(number) ?? [];
  if (parts.length > 0) {
    const [year, month, day, hour, minute, second] = parts.map(Number);
    const later = numberOf(new Date(Date.UTC(year, month - 1, day, hour, minute, second + 1)));
    if (later > number) return later;
  }
  const more = String(BigInt(number) + 1n).padStart(number.length, "0");
  return more.length > number.length ? `${number}0` : more;
}
