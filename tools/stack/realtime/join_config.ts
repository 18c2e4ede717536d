/** The `config` of a phx_join. Unknown keys are passed over, wrong types count as the default. */
import { at, type Json, type JsonObject } from "./json.ts";

export interface JoinConfig {
  private: boolean;
  broadcast: { ack: boolean; self: boolean; replicationReady: boolean; replay?: Json };
  presence: { enabled: boolean; key: Json };
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
    presence: { enabled: flag(at(presence, "enabled")), key: at(presence, "key") ?? "" },
    bindings: Array.isArray(bindings) ? bindings.filter((b) => b instanceof Map) : [],
  };
}

const NONE: JsonObject = new Map([["config", new Map()]]);

/** A boolean, also where a client wrote it as a string. */
function flag(value: Json | undefined): boolean {
  return value === true || value === "true" || value === "1";
}

/** Without a config the topic itself says what to subscribe: `schema:table:column=eq.value`. */
function legacy(name: string): JsonObject[] {
  const [schema, table, ...filter] = name.split(":");
  const binding: JsonObject = new Map([["schema", schema]]);
  if (table !== undefined) binding.set("table", table);
  if (filter.length > 0) binding.set("filter", filter.join(":"));
  return [binding];
}
