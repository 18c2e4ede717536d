import { createHash } from "node:crypto";

/** How a line comment begins: TypeScript, SQL, TOML. */
export type Sign = "//" | "--" | "#";

/** What the first two lines of a written file say. */
export interface Stamp {
  /** The version that wrote it. */
  version: string;
  /** Whether the rest is as it was written, apart from how its lines end: git may have changed that. */
  unchanged: boolean;
}

const LINES =
  /^\uFEFF?(?:\/\/|--|#) Realtime Relay (\d+\.\d+\.\d+), written by `npx realtime-relay init`\.\r?\n(?:\/\/|--|#) sha256 of the rest: ([0-9a-f]{64})\r?\n/;

/** Puts two lines before a text: which version wrote it, and the hash by which changes are noticed. */
export function stamp(sign: Sign, version: string, text: string): string {
  return `${sign} Realtime Relay ${version}, written by \`npx realtime-relay init\`.
${sign} sha256 of the rest: ${hashOf(text)}
${text}`;
}

/** Reads those lines; undefined where a file has none, and so is somebody else's. */
export function readStamp(text: string): Stamp | undefined {
  const found = LINES.exec(text);
  if (!found) return undefined;
  const [lines, version, hash] = found;
  return { version, unchanged: hashOf(text.slice(lines.length)) === hash };
}

/** The hash of a file without its stamp: by it the same text is known whoever put it there. */
export const hashOfRest = (text: string): string => hashOf(text.replace(LINES, ""));

/** Below zero where the first version is older. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  const place = left.findIndex((part, index) => part !== right[index]);
  return place < 0 ? 0 : left[place] - right[place];
}

function hashOf(text: string): string {
  return createHash("sha256").update(text.replaceAll("\r\n", "\n")).digest("hex");
}
