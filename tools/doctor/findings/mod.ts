import { CHANNELS } from "./channels.ts";
import { DATABASE } from "./database.ts";
import { ENV_FILE } from "./env_file.ts";
import type { More, Rows, Severity } from "./finding.ts";
import { FRONT } from "./front.ts";
import { KEYS } from "./keys.ts";
import { NAME } from "./name.ts";
import { RELAY } from "./relay.ts";
import { TABLES } from "./tables.ts";
import { TENANT } from "./tenant.ts";
import { UPGRADE } from "./upgrade.ts";

/**
 * Everything that the doctor can find, by what it looks at, in the order in which a socket meets it.
 * The ids are stable, and each is a section of docs/TROUBLESHOOTING.md.
 */
const TABLE = {
  ...{ name: NAME, upgrade: { ...FRONT, ...UPGRADE }, keys: KEYS, tenant: TENANT },
  ...{ channels: CHANNELS, database: { ...TABLES, ...DATABASE }, relay: RELAY },
  ...{ "env file": ENV_FILE },
};

export type Area = keyof typeof TABLE;
export const AREAS = Object.keys(TABLE) as Area[];

type IdsOf<A extends Area> = A extends Area ? keyof typeof TABLE[A] : never;
export type FindingId = IdsOf<Area>;

export interface Description extends More<FindingId> {
  area: Area;
  severity: Severity;
  /** What it is, in a sentence. */
  says: string;
  /** What to do about it. */
  fix: string;
}

/** Typed anew, so that what a row explains must be in the table. */
const ROWS: Record<Area, Rows<FindingId>> = TABLE;

const DESCRIPTIONS = Object.fromEntries(
  AREAS.flatMap((area) =>
    Object.entries(ROWS[area]).map(([id, [severity, says, fix, more]]) => [
      id,
      { area, severity, says, fix, ...more },
    ])
  ),
) as Record<FindingId, Description>;

/** All ids, in the order of the table. */
export const findingIds = Object.keys(DESCRIPTIONS) as FindingId[];

export const describe = (id: FindingId): Description => DESCRIPTIONS[id];
