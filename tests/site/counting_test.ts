import assert from "node:assert/strict";
import { type Click, Links, NEWEST_MAX } from "../../site/data/links.ts";
import { type Notice, Notices } from "../../site/notices.ts";
import { barPath, BARS, buckets } from "../../site/data/sparkline.ts";

const link = (slug: string, clicks = 0, counted: number[] = []) => ({
  ...{ slug, title: null, target: "https://example.com/", isPublic: true, own: false },
  ...{ clicks, lastClickedAt: null, counted: new Set(counted) },
});
const click = (id: number, slug = "docs", clickedAt = id): Click => ({ id, slug, clickedAt });

Deno.test("Links counts a click once, however often it arrives", () => {
  const links = new Links();
  links.replace({ links: [link("docs", 5)], clicks: [] });
  assert.deepEqual([links.add(click(7)), links.add(click(7))], ["new", "known"]);
  assert.equal(links.add(click(8, "other")), "elsewhere");
  assert.equal(links.get("docs")!.clicks, 6);
});

Deno.test("Links counts on top of a snapshot what it does not hold yet, before it and after", () => {
  const links = new Links();
  links.add(click(99));
  links.expectSnapshot();
  for (const id of [100, 101, 103]) links.add(click(id));
  // 102 was committed before it was read and arrives after; 103 the other way round.
  const counted = [99, 100, 101, 102];
  links.replace({ links: [link("docs", 13, counted)], clicks: counted.map((id) => click(id)) });
  assert.equal(links.get("docs")!.clicks, 14);
  assert.deepEqual(links.get("docs")!.recent, [99, 100, 101, 102, 103]);
  assert.deepEqual([links.add(click(102)), links.add(click(104))], ["known", "new"]);
  assert.equal(links.get("docs")!.clicks, 15);
});

Deno.test("Links takes a click for news, though a later snapshot was faster; not one of the first", () => {
  const links = new Links();
  links.replace({ links: [link("docs", 1, [1])], clicks: [] });
  links.expectSnapshot();
  links.replace({ links: [link("docs", 2, [1, 2]), link("late", 1, [3])], clicks: [] });
  assert.deepEqual([links.add(click(1)), links.add(click(2))], ["known", "new"]);
  assert.deepEqual([links.add(click(3, "late")), links.add(click(2))], ["new", "known"]);
  assert.deepEqual(links.all.map(({ clicks }) => clicks), [2, 1]);
  links.clear();
  links.replace({ links: [link("docs", 2, [1, 2])], clicks: [] });
  assert.equal(links.add(click(2)), "known", "to another person");
});

Deno.test("Links takes a click for counted that is older than a hundred that are", () => {
  const links = new Links();
  const newest = Array.from({ length: NEWEST_MAX }, (_, place) => 500 + place);
  links.replace({ links: [link("docs", 1000, newest), link("new", 1, [700])], clicks: [] });
  assert.deepEqual([links.add(click(499)), links.add(click(600))], ["known", "new"]);
  assert.equal(links.add(click(498, "new")), "new", "it has but one, and this is another");
});

Deno.test("Links does not count the clicks of a link that was deleted for its successor", () => {
  const links = new Links();
  links.replace({ links: [link("docs")], clicks: [] });
  links.add(click(1));
  links.remove("docs");
  links.expectSnapshot();
  links.replace({ links: [link("docs")], clicks: [] });
  assert.equal(links.get("docs")!.clicks, 0);
});

Deno.test("Notices tells the first open at once, and groups the rest by the second", () => {
  const told: [Notice, boolean][] = [];
  const timers: (() => void)[] = [];
  const notices = new Notices((...all) => told.push(all), (work) => timers.push(work));
  notices.opened("a");
  assert.deepEqual(told.splice(0), [[{ kind: "one", slug: "a" }, false]]);
  for (const slug of ["a", "a"]) notices.opened(slug);
  timers.shift()!();
  for (const slug of ["a", "b", "b"]) notices.opened(slug);
  timers.shift()!();
  notices.opened("b");
  timers.shift()!();
  timers.shift()!();
  assert.deepEqual(told.splice(0), [
    [{ kind: "link", slug: "a", count: 2 }, false],
    [{ kind: "many", count: 3 }, true],
    [{ kind: "one", slug: "b" }, true],
  ]);
  assert.equal(timers.length, 0, "it rests");
  notices.opened("c");
  assert.deepEqual(told, [[{ kind: "one", slug: "c" }, false]]);
});

Deno.test("a sparkline has a bar for each part of the last minutes that had a click", () => {
  const now = 1_000_000_000;
  const counts = buckets([now, now - 1, now + 5_000, now - 60_000, now - 3_600_000], now);
  assert.equal(counts.length, BARS);
  assert.equal(counts.reduce((sum, count) => sum + count), 4);
  assert.equal(counts.at(-1)! + counts.at(-2)!, 3);
  assert.equal(barPath([0, 0], 20, 10), "");
  assert.equal(barPath([1, 0], 20, 10), "M5 10V7.5");
  assert.equal(barPath([0, 8], 20, 10), "M15 10V0");
});
