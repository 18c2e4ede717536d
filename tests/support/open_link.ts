import assert from "node:assert/strict";
import type { StackInfo } from "../../tools/stack/info.ts";

/** What the redirect function asks of the database, without its deadline: this machine may be busy. */
export async function openLink(
  { API_URL, PUBLISHABLE_KEY }: StackInfo,
  slug: string,
): Promise<void> {
  const response = await fetch(`${API_URL}/rest/v1/rpc/open_short_link`, {
    method: "POST",
    headers: { apikey: PUBLISHABLE_KEY, "content-type": "application/json" },
    body: JSON.stringify({ slug, referrer_host: "news.example.com" }),
  });
  await response.body?.cancel();
  assert.equal(response.status, 200, slug);
}
