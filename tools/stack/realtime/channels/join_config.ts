/** The `config` of a phx_join. Unknown keys are passed over, wrong types count as the default. */
import { at, Digits, encode, type Json, type JsonObject } from "../wire/json.ts";

export interface JoinConfig {
  private: boolean;
  broadcast: { ack: boolean; self: boolean; replicationReady: boolean; replay?: Json };
  /** The key that the client chose, or one of its own; undefined where the choice cannot be one. */
  presence: { enabled: boolean; key: string | undefined };
  /** The postgres_changes bindings, each as the client wrote it. */
  bindings: JsonObject[];
}

/** Reads the payload of a join to the topic `realtime:<name>`. */
export function readConfig(payload: Json, name: string): JoinConfig {
  const config = at(payload, "config");
  if (!(config instanceof Map)) return { ...readConfig(NONE, name), bindings: legacy(name) };
  const broadcast = config.get("broadcast");
  const presence = config.get("presence");
  const bindings = config.get("postgres_changes");
  return {
    private: flag(config.get("private")),
    broadcast: {
      ack: flag(at(broadcast, "ack")),
      self: flag(at(broadcast, "self")),
      replicationReady: flag(at(broadcast, "replication_ready")),
      replay: at(broadcast, "replay"),
    },
    presence: { enabled: flag(at(presence, "enabled")), key: readKey(at(presence, "key")) },
    bindings: Array.isArray(bindings) ? bindings.filter((b) => b instanceof Map) : [],
  };
}

const NONE: JsonObject = new Map([["config", new Map()]]);

function readKey(chosen: Json = null): string | undefined {
  if (chosen === null || chosen === "") return crypto.randomUUID();
  if (typeof chosen === "object" && !(chosen instanceof Digits)) return undefined;
  return typeof chosen === "string" ? chosen : encode(chosen);
}

/** A boolean, also where a client wrote it as a string, of small or large letters. */
function flag(value: Json | undefined): boolean {
  return value === true || (typeof value === "string" && value.toLowerCase() === "true");
}

/** Without a config the topic itself says what to subscribe: `schema:table:column=eq.value`. */
function legacy(name: string): JsonObject[] {
  const [schema, table, ...filter] = name.split(":");
  const binding: JsonObject = new Map([["schema", schema]]);
  if (table !== undefined) binding.set("table", table);
  if (filter.length > 0) binding.set("filter", filter.join(":"));
  return [binding];
}
