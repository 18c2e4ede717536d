import { CHANNELS } from "./channels.ts";
import { DATABASE } from "./database.ts";
import { ENV_FILE } from "./env_file.ts";
import { KEYS } from "./keys.ts";
import { NAME } from "./name.ts";
import { RELAY } from "./relay.ts";
import { TENANT } from "./tenant.ts";
import { UPGRADE } from "./upgrade.ts";

/** id -> how bad, what it is, what to do. */
export type Rows = Record<
  string,
  readonly [severity: "failed" | "warning", says: string, fix: string]
>;

/**
 * Everything that the doctor can find, by what it looks at, in the order in which a socket meets it.
 * The ids are stable, and each is a section of docs/TROUBLESHOOTING.md.
 */
const TABLE = {
  ...{ name: NAME, upgrade: UPGRADE, keys: KEYS, tenant: TENANT, channels: CHANNELS },
  ...{ database: DATABASE, relay: RELAY, "env file": ENV_FILE },
} as const satisfies Record<string, Rows>;

export type Area = keyof typeof TABLE;
export const AREAS = Object.keys(TABLE) as Area[];

type IdsOf<A extends Area> = A extends Area ? keyof typeof TABLE[A] : never;
export type FindingId = IdsOf<Area>;

export interface Description {
  area: Area;
  severity: "failed" | "warning";
  /** What it is, in a sentence. */
  says: string;
  /** What to do about it. */
  fix: string;
}

const DESCRIPTIONS = Object.fromEntries(
  AREAS.flatMap((area) =>
    Object.entries(TABLE[area] as Rows).map(([id, [severity, says, fix]]) => [
      id,
      { area, severity, says, fix },
    ])
  ),
) as Record<FindingId, Description>;

/** All ids, in the order of the table. */
export const findingIds = Object.keys(DESCRIPTIONS) as FindingId[];

export const describe = (id: FindingId): Description => DESCRIPTIONS[id];
