import { ident, literal } from "./database/quote.ts";

/** What PostgreSQL keeps of a name, in bytes; what is cut is cut here, and not in the middle of one. */
const MOST = 60;

/** What lets this very role receive this very topic. */
export function topicPaste(topic: string, role: string): string[] {
  const name = `${role} may receive ${topic}`.replaceAll(/[^\x20-\x7e]/g, "_").slice(0, MOST);
  return [
    `create policy "${name.replaceAll('"', "_")}" on realtime.messages for select to ${
      ident(role)
    }`,
    `  using (realtime.topic() = ${literal(topic)} and extension in ('broadcast', 'presence'));`,
  ];
}
