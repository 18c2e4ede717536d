import type { Assets } from "../assets.ts";
import type { Plan } from "../change.ts";
import { MIGRATIONS, type Project } from "../project/read.ts";
import { hashOfRest, readStamp, stamp } from "../stamp.ts";
import { type Choice, choicesOf, migrationsOf } from "./choices.ts";
import { numberIn, numbersBehind } from "./number.ts";
import { undo } from "./undo.ts";

interface Migration {
  path: string;
  text: string;
  /** Of one that init wrote: without number and `relay_`. */
  name: string | undefined;
}

/** The name of what takes the others out. */
const REMOVAL = "remove";

/**
 * Plans the migrations that were chosen, and newer texts of those that were chosen earlier, under
 * numbers behind the newest one. One that is there with the same text, under whatever name, is there:
 * files that may have been pushed are never written again.
 */
export function planMigrations(
  plan: Plan,
  project: Project,
  { migrations }: Assets,
  choices: ReadonlySet<Choice>,
  now: Date,
): void {
  const all = migrationsIn(project);
  const since = sinceRemoval(all);
  const wanted = migrationsOf(new Set([...choices, ...choicesOf(namesOf(since))]));
  const hashes = new Set(since.map(({ text }) => hashOfRest(text)));
  const missing = wanted.filter((name) => !hashes.has(hashOfRest(migrations.get(name)!)));
  const numbers = numbersBehind(newestOf(all), missing.length, now);
  for (const [n, name] of missing.entries()) {
    plan.changes.push({ path: pathOf(numbers[n], name), after: migrations.get(name)! });
  }
  const takesRights = missing.some((name) => TAKES_RIGHTS.test(migrations.get(name)!));
  const own = ownSchema(all, [...migrations.values()]);
  if (own && takesRights) {
    plan.notes.push(
      `${own.path} makes a schema relay of your own: the new migrations take all rights on its functions ` +
        "from public, anon, authenticated and service_role. Behind them, grant what you gave anew.",
    );
  }
}

const TAKES_RIGHTS = /^revoke all on all functions in schema relay\b/m;
const SCHEMA = /\bcreate\s+schema\s+(?:if\s+not\s+exists\s+)?"?relay"?(?![\w"$])/i;

/** A migration that makes the schema in which the relay's own make things, and is none of them. */
function ownSchema(all: Migration[], texts: string[]): Migration | undefined {
  const known = new Set(texts.map(hashOfRest));
  return all.find(({ name, text }) => !name && SCHEMA.test(text) && !known.has(hashOfRest(text)));
}

/**
 * Plans what is left of the migrations: files that may have been pushed stay, and a new migration
 * takes out what they made; files that were `neverPushed` go.
 */
export function planMigrationsAway(
  plan: Plan,
  project: Project,
  version: string,
  { neverPushed, now }: { neverPushed: boolean; now: Date },
): void {
  const all = migrationsIn(project);
  const since = sinceRemoval(all).filter(({ name }) => name !== undefined);
  if (neverPushed) {
    const own = all.filter(({ name }) => name !== undefined);
    plan.changes.push(...own.map(({ path, text }) => ({ path, before: text })));
    return;
  }
  if (since.length === 0) return;
  const { sql, notes } = undo(choicesOf(namesOf(since)));
  if (sql) {
    const [number] = numbersBehind(newestOf(all), 1, now);
    plan.changes.push({ path: pathOf(number, REMOVAL), after: stamp("--", version, sql) });
  }
  plan.notes.push(
    `The migrations stay, since a database may have them: ${since.length} files ` +
      `${MIGRATIONS}/…_relay_….sql. If no database has them, "remove --never-pushed" deletes them instead.`,
    ...notes,
  );
}

/** In the order in which they are applied. */
function migrationsIn({ texts }: Project): Migration[] {
  const paths = [...texts.keys()].filter((path) => path.startsWith(`${MIGRATIONS}/`)).sort();
  return paths.map((path) => {
    const text = texts.get(path)!;
    const [, name] = /\d+_relay_(\w+)\.sql$/.exec(path) ?? [];
    return { path, text, name: readStamp(text) && name };
  });
}

/** Behind a migration that took all out, everything is to be made again. */
const sinceRemoval = (all: Migration[]): Migration[] =>
  all.slice(all.findLastIndex(({ name }) => name === REMOVAL) + 1);

const namesOf = (all: Migration[]): string[] => all.flatMap(({ name }) => name ?? []);

const newestOf = (all: Migration[]): string =>
  all.map(({ path }) => numberIn(path.slice(MIGRATIONS.length + 1))).sort().at(-1) ?? "";

const pathOf = (number: string, name: string) => `${MIGRATIONS}/${number}_relay_${name}.sql`;
