import { compareVersions } from "./stamp.ts";

/**
 * What CHANGELOG.md says to people who come from a version: the entries below "Before you upgrade" of
 * every later one, and of what is not released yet. Each entry is one line.
 */
export function beforeYouUpgrade(changelog: string, from: string): string[] {
  return changelog.split(/^## /m).slice(1).flatMap((release) => {
    const version = /^\[?v?(\d+\.\d+\.\d+)/.exec(release)?.[1];
    if (version && compareVersions(version, from) <= 0) return [];
    const [, text = ""] = /^### Before you upgrade\n([^]*?)(?=^### |(?![^]))/m.exec(release) ?? [];
    return text.split("\n").filter((line) => line.startsWith("- "))
      .map((line) => line.replaceAll("**", ""));
  });
}
