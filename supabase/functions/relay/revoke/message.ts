/** The channel on which the database tells which sessions ended. */
export const TOPIC = "relay:sessions";

/** The project cannot say it: its migrations or its policy are missing. */
export class Unable extends Error {
  override readonly name = "Unable";
}

const HASH = /^[0-9a-f]{64}$/;

/** The hashes of a message of the database's; empty for what is none. */
export function hashesOf(payload: unknown): string[] {
  const { sessions } = Object(payload ?? {}) as { sessions?: unknown };
  if (!Array.isArray(sessions)) return [];
  return sessions.filter((hash) => typeof hash === "string" && HASH.test(hash));
}
