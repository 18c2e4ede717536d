import { z } from "zod";
import { AREAS, findingIds } from "../findings/mod.ts";
import { PROXIES } from "../fixes/mod.ts";
import { VERSION } from "./version.ts";

const area = z.enum(AREAS).describe("what was looked at");
const id = z.enum(findingIds).describe("stays the same; a section of docs/TROUBLESHOOTING.md");
const saw = z.string().describe("what was seen, in one line for people");

/** What `--json` prints. Sentences are for people and change; names and ids do not. */
export const REPORT = z.strictObject({
  version: z.literal(VERSION),
  url: z.string().describe("the address that was given, without its query"),
  kind: z.enum(["project", "realtime", "relay"]).describe("what it is"),
  socket: z.string().describe("the socket's URL, by http or https"),
  proxy: z.enum(PROXIES).optional().describe("what is at the front, where it gave itself away"),
  verdict: z.string().describe("two sentences"),
  exitCode: z.literal([0, 1, 2]).describe("0 healthy, 1 a problem, 2 could not look"),
  findings: z.array(z.strictObject({
    id,
    area,
    severity: z.enum(["failed", "warning"]).describe("a warning breaks nothing"),
    says: z.string().describe("what it is"),
    fix: z.string().describe("what to do about it"),
    hop: z.string().optional().describe("the hop to blame, or between which two it is unknown"),
    saw,
    paste: z.array(z.string()).describe("lines that mend it here"),
    file: z.string().optional().describe("a file of this repository that does the same"),
    docs: z.string().describe("where more is told"),
  })).describe("causes, failures first"),
  symptoms: z.array(z.strictObject({ id, of: id.describe("the cause"), saw }))
    .describe("what follows from a cause"),
  checks: z.array(z.strictObject({
    area,
    state: z.enum(["ok", "warning", "failed", "skipped"]),
    saw,
    id: id.optional(),
  })).describe("everything that was looked at, in the order in which a socket meets it"),
});

export type Report = z.infer<typeof REPORT>;

/** The same for those who check by JSON Schema: docs/doctor.schema.json. */
export const schemaText = (): string => JSON.stringify(z.toJSONSchema(REPORT), null, 2) + "\n";
