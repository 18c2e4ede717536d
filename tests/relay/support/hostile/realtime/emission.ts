/** What a channel subscribes of the database. */
export interface Binding {
  event: string;
  schema: string;
  table?: string;
  filter?: string;
}

/** A join's config, read. */
export interface ChannelConfig {
  private: boolean;
  ack: boolean;
  self: boolean;
  presence: boolean;
  bindings: Binding[];
}

/** One thing that Realtime has sent out, to however many. */
export interface Emission {
  n: number;
  kind: "broadcast" | "change";
  /** In which of the orders it stands: a topic's, or that of all changes. */
  place: number;
  topic: string;
  private: boolean;
  table: string;
  slug: string;
  /** Who sent it: a client's index, or nobody's. */
  sender: number | undefined;
  /** When Realtime had it, and when it goes out: a change is checked first. */
  at: number;
  size: number;
}

/** What a client asked for, as Realtime reads it. */
export function configOf(payload: unknown): ChannelConfig {
  const { config = {} } = (payload ?? {}) as { config?: Record<string, never> };
  const { broadcast = {}, presence = {}, postgres_changes = [] } = config as Record<string, never>;
  const { ack = false, self = false } = broadcast as Record<string, boolean>;
  const { enabled = false } = presence as Record<string, boolean>;
  return {
    private: [true, "true"].includes(config.private as unknown as boolean),
    ack,
    self,
    presence: enabled,
    bindings: postgres_changes,
  };
}

/** True if this binding is told of a change in that table. */
export function matches(
  { schema, table = "*", filter }: Binding,
  to: Pick<Emission, "table" | "slug">,
) {
  if (schema !== "public" && schema !== "*") return false;
  if (table !== "*" && table !== to.table) return false;
  return filter === undefined || filter === `slug=eq.${to.slug}`;
}

/** True if a channel with this config, of this client, is to get it. */
export function isFor(
  { kind, topic, private: isPrivate, table, slug, sender }: Emission,
  channel: { topic: string; config: ChannelConfig; client: number | undefined },
): boolean {
  const { config } = channel;
  if (kind === "change") return config.bindings.some((it) => matches(it, { table, slug }));
  return topic === channel.topic && isPrivate === config.private &&
    (config.self || sender === undefined || sender !== channel.client);
}
