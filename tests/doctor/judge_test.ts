/** The judge: no verdict says that something fails which was seen to work. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Check, found, ok } from "../../tools/doctor/check.ts";
import { describe, type FindingId, findingIds } from "../../tools/doctor/findings/mod.ts";
import { blame, type Hop, HOPS } from "../../tools/doctor/judge/blame.ts";
import { judge } from "../../tools/doctor/judge/judge.ts";
import { closure, type Fact, FACTS } from "../../tools/doctor/judge/known.ts";
import { isMet, RULES, type Rules } from "../../tools/doctor/judge/rules.ts";
import { claims } from "./support/claims.ts";

const ALL = Object.keys(FACTS) as Fact[];

/** What was seen: facts that can be made together, and signs, which may mislead. */
const sight = fc.record({
  facts: fc.subarray(ALL, { maxLength: 4 }).map((facts) => [...closure(facts)]),
  signs: fc.uniqueArray(fc.constantFrom(...findingIds), { maxLength: 4 }),
});

const checksOf = ({ facts, signs }: { facts: Fact[]; signs: FindingId[] }): Check[] => [
  ...facts.map((fact) => ok("upgrade", fact, fact)),
  ...signs.map((id) => found(id, `a sign of ${id}`, { paste: [`-- the repair of ${id}`] })),
];

/** What a verdict by these rules says against the facts: undefined if nothing. */
function contradiction(checks: Check[], facts: Fact[], rules: Rules): string | undefined {
  const { causes, symptoms } = judge(checks, rules);
  for (const { id, paste } of [...causes, ...symptoms]) {
    const denied = claims(id!).find((fact) => facts.includes(fact));
    if (denied) return `${id} is told${paste ? `, with ${paste}` : ""}, and ${denied}`;
  }
}

Deno.test("no verdict contradicts a fact, and no repair is printed for what works", () => {
  fc.assert(
    fc.property(sight, (seen) => {
      assert.equal(contradiction(checksOf(seen), seen.facts, RULES), undefined);
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("the same for each sign beside each fact and what follows from it, and beside all", () => {
  for (const sign of findingIds) {
    for (const facts of [...ALL.map((fact) => [...closure([fact])]), ALL]) {
      const told = contradiction(checksOf({ facts, signs: [sign] }), facts, RULES);
      assert.equal(told, undefined);
    }
  }
});

/** The rules without one of the facts that rule a finding out. */
const without = (id: FindingId, fact: Fact): Rules => ({
  ...RULES,
  [id]: { ...RULES[id], against: RULES[id].against!.filter((it) => it !== fact) },
});

Deno.test("a contradiction that is planted is found: each fact, taken out of each rule", () => {
  let planted = 0;
  for (const id of findingIds) {
    for (const fact of RULES[id].against ?? []) {
      planted++;
      const rules = without(id, fact);
      const seen = ALL.some((it) => {
        const facts = [...closure([it])];
        return contradiction(checksOf({ facts, signs: [id] }), facts, rules) !== undefined;
      });
      assert.equal(seen, ALL.some((it) => decides(id, fact, closure([it]))), `${id}, ${fact}`);
    }
  }
  assert.ok(planted > 50, `${planted}`);
});

/** Whether, of these facts, this one alone keeps the finding from being told. */
function decides(id: FindingId, fact: Fact, facts: Set<Fact>): boolean {
  const others = RULES[id].against!.filter((it) => it !== fact);
  const isTaken = Object.values(RULES).some((rule) =>
    rule.signs?.includes(id) && isMet(rule, facts) &&
    !rule.against?.some((it) => facts.has(it))
  );
  return facts.has(fact) && !others.some((it) => facts.has(it)) && !isTaken;
}

Deno.test("the property finds a planted contradiction by itself", () => {
  const rules = without("tenant_suspended", "realtime_opens");
  const property = fc.property(sight, (seen) => !contradiction(checksOf(seen), seen.facts, rules));
  const { failed, counterexample } = fc.check(property, { numRuns: 3_000 });
  assert.ok(failed);
  assert.ok(counterexample![0].signs.includes("tenant_suspended"));
});

Deno.test("what is ruled out stays in the report, as no fault, and says by what", () => {
  const { checks, exitCode } = judge([
    ok("upgrade", "101", "realtime_opens"),
    found("tenant_row_missing", "wanted a, there is b", { paste: ["a repair"] }),
  ]);
  assert.equal(exitCode, 0);
  assert.deepEqual(checks[1], {
    ...{ area: "tenant", state: "ok" },
    saw: "wanted a, there is b; that is no fault, since Realtime lets in",
  });
});

Deno.test("each finding has a rule, each rule's finding claims something or stands by itself", () => {
  assert.deepEqual(Object.keys(RULES).sort(), [...findingIds].sort());
  for (const id of findingIds) {
    for (const sign of RULES[id].signs ?? []) {
      assert.ok(RULES[id].needs?.length, `${id} takes ${sign} without needing anything`);
      assert.equal(describe(sign).severity, "failed", sign);
    }
  }
});

Deno.test("blame: never a hop that was not reached or is well, for every state of every hop", () => {
  const states = ["well", "fails", "unasked"] as const;
  for (const gateway of states) {
    for (const realtime of states) {
      for (const bits of [0, 1, 2, 3, 4, 5, 6, 7]) {
        const asked = ["fails", gateway, realtime] as const;
        const hops = HOPS.map((name, at): Hop => ({
          ...{ name, asked: asked[at] },
          byRealtime: (bits >> at & 1) === 1,
        }));
        const blamed = blame(hops);
        const [, one, other] = /^unknown between (.*) and (.*)$/.exec(blamed) ?? [];
        const told = JSON.stringify({ hops, blamed });
        if (one) {
          const [from, to] = [one, other].map((it) => HOPS.findIndex((name) => name === it));
          assert.equal(hops[from].asked, "fails", told);
          assert.equal(hops[to].asked, "well", told);
          assert.ok(hops.slice(from + 1, to).every((it) => it.asked === "unasked"), told);
          continue;
        }
        const hop = hops.find(({ name }) => name === blamed)!;
        // Realtime may be blamed unasked where its own words came through.
        const byWords = hops.findLast((it) => it.asked === "fails")!.byRealtime;
        const isFair = hop.asked === "fails" ||
          blamed === "Realtime" && byWords && hop.asked === "unasked";
        assert.ok(isFair, told);
      }
    }
  }
});
