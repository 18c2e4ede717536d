import assert from "node:assert/strict";
import { type Click, Feed } from "./support/exactly_once/feed.ts";

/** Clicks on two links in turn, one a second from the epoch on. */
const table: Click[] = Array.from({ length: 10 }, (_, id) => ({
  ...{ id, slug: "ab"[id % 2] },
  clicked_at: new Date(id * 1000).toISOString(),
}));

function feedOf(clicks: Click[]): Feed {
  const feed = new Feed(["a", "b"]);
  clicks.forEach((click) => feed.take(click));
  return feed;
}

const all = {
  ...{ expected: 10, arrived: 10, twice: 0, late: 0, untoldLate: 0 },
  ...{ gaps: 0, unreported: 0, troubles: 0 },
};

Deno.test("a feed that got every event once and in order has nothing to its name", () => {
  assert.deepEqual(feedOf(table).judge(table), all);
});

Deno.test("links may overtake each other, the events of one link may not", () => {
  assert.deepEqual(feedOf(table.toSorted((a, b) => a.id % 2 - b.id % 2)).judge(table), all);
  const [first, second, third, ...rest] = table;
  const feed = feedOf([third, second, first, ...rest]);
  assert.deepEqual(feed.judge(table), { ...all, late: 1, untoldLate: 1 });
  feed.gaps.push({ from: 0, to: 0 });
  assert.deepEqual(feed.judge(table), { ...all, late: 1, gaps: 1 });
});

Deno.test("an event that comes twice is counted, at once or much later", () => {
  const figures = feedOf([table[0], ...table, table[1]]).judge(table);
  assert.deepEqual(figures, { ...all, twice: 2 });
});

Deno.test("a loss is told only if its time lies in a reported gap", () => {
  const feed = feedOf(table.toSpliced(3, 3));
  feed.gaps.push({ from: 4000, to: 9000 });
  assert.deepEqual(feed.judge(table), { ...all, arrived: 7, gaps: 1, unreported: 1 });
});

Deno.test("a feed of one link is judged by the clicks of that link", async () => {
  const feed = new Feed(["a"]);
  const beyond = feed.beyond(5);
  table.filter(({ slug }) => slug === "a").forEach((click) => feed.take(click));
  await beyond;
  feed.statuses.push("SUBSCRIBED", "CHANNEL_ERROR");
  assert.deepEqual(feed.judge(table), { ...all, expected: 5, arrived: 5, troubles: 1 });
});
