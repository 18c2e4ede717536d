import type { Frame } from "../../realtime/phoenix.ts";
import type { Vsn } from "../../realtime/upstream.ts";

/** A join that viewers may share. */
export interface Share {
  /** Equal for two joins only if they would be sent upstream as the same bytes. */
  name: string;
  /** The payload that goes upstream, as JSON text. */
  payload: string;
  /** True if the channel gets Postgres Changes, and so a system message about them. */
  hasBindings: boolean;
  /** True for a private channel, which not everybody may join. */
  isPrivate: boolean;
}

/** Larger joins are nobody's page; the hub would keep the text of each. */
const MAX_PAYLOAD_LENGTH = 8_192;

type Check = (value: unknown) => boolean;

const isString: Check = (value) => typeof value === "string";
const isBoolean: Check = (value) => typeof value === "boolean";
const isFalse: Check = (value) => value === false;
const isEmpty: Check = (value) => value === "";
const arrayOf = (check: Check): Check => (value) => Array.isArray(value) && value.every(check);
const objectOf = (checks: Record<string, Check>): Check => (value) =>
  isObject(value) &&
  Object.entries(value).every(([key, value]) => Object.hasOwn(checks, key) && checks[key](value));

/**
 * The whole of what may be shared: every key by name, with the values that make no difference
 * between one viewer and another. Presence, acknowledgements, own copies, replays and whatever else
 * a join may ever hold are not here, so they are not shared.
 */
const isShareable = objectOf({
  config: objectOf({
    private: isBoolean,
    broadcast: objectOf({ ack: isFalse, self: isFalse }),
    presence: objectOf({ enabled: isFalse, key: isEmpty }),
    postgres_changes: arrayOf(objectOf({
      event: isString,
      schema: isString,
      table: isString,
      filter: isString,
      select: arrayOf(isString),
    })),
  }),
});

/**
 * What a join by the bearer of `key` is called among those that may be shared; undefined where it
 * may not. To be given what the gate let through: a join that carries a user's token has a key that
 * is not on the list. The name holds the very text that goes upstream, so nothing can be told apart
 * there that has one name here.
 */
export function shareOf(vsn: Vsn, key: string, { topic, payload }: Frame): Share | undefined {
  // Without a name behind that Realtime refuses it, for which the socket and all on it wait 5 s.
  if (!/^realtime:./s.test(topic) || !isShareable(payload)) return undefined;
  const { config } = payload as { config?: { postgres_changes?: unknown[]; private?: boolean } };
  const text = canonical(payload);
  // Without a config it is the legacy form, whose topic says what to subscribe.
  if (!config || text.length > MAX_PAYLOAD_LENGTH) return undefined;
  const hasBindings = (config.postgres_changes ?? []).length > 0;
  const isPrivate = config.private === true;
  return { name: JSON.stringify([vsn, key, topic, text]), payload: text, hasBindings, isPrivate };
}

/** JSON with the keys of objects in order; arrays stay as they are, since bindings have places. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
