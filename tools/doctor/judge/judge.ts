import { type Check, sentenceOf } from "../check.ts";
import { type Area, describe, type FindingId, findingIds } from "../findings/mod.ts";
import { closure, type Fact, FACTS, WORDS } from "./known.ts";
import { isMet, RULES, type Rules } from "./rules.ts";

export interface Verdict {
  /** What is wrong by itself, failures first. */
  causes: Check[];
  /** What follows from something else, and from what. */
  symptoms: (Check & { of: FindingId })[];
  /** All checks; a sign that is ruled out is none any more, and says by what. */
  checks: Check[];
  /** Two sentences. */
  sentence: string;
  /** 0 healthy, 1 a problem, 2 could not look. */
  exitCode: 0 | 1 | 2;
}

/**
 * Weighs what was seen: each sign against every fact, then causes from symptoms. No cause says that
 * something fails which a fact shows to work. `rules` are those of the table, but for tests.
 */
export function judge(seen: Check[], rules: Rules = RULES): Verdict {
  const facts = closure(seen.flatMap(({ shows }) => shows ?? []));
  const checks = seen.map((check) => weigh(check, facts, rules));
  const findings = unique(checks.filter(({ id }) => id));
  const explained = new Map(
    findings.filter(({ state }) => state === "failed")
      .flatMap(({ id }) => describe(id!).explains?.map((it) => [it, id!] as const) ?? []),
  );
  const causes = findings.filter(({ id }) => !explained.has(id!))
    .sort((a, b) => Number(b.state === "failed") - Number(a.state === "failed"));
  const symptoms = checks.flatMap((check) => {
    const of = check.id && explained.get(check.id);
    return of ? [{ ...check, of }] : [];
  });
  return { causes, symptoms, checks, ...conclude(causes[0], checks) };
}

/** The finding for an upgrade that fails and is explained by nothing. */
const OTHERWISE = "refused_otherwise" satisfies FindingId;

/** The finding that a sign is, by the facts; else what rules it out. */
function weigh(check: Check, facts: Set<Fact>, rules: Rules): Check {
  const sign = check.id;
  if (!sign) return check;
  const others = findingIds.filter((id) => rules[id].signs?.includes(sign));
  const other = others.find((id) => isMet(rules[id], facts) && !rulingOut(id, facts, rules));
  if (other) {
    return {
      ...check,
      id: other,
      state: describe(other).severity,
      paste: undefined,
      says: undefined,
    };
  }
  const denial = rulingOut(sign, facts, rules);
  if (!denial) return check;
  const { area, saw } = check;
  // Refused it was, whatever that says: what is not well must not be told as well.
  if (area === "upgrade" && sign !== OTHERWISE && !facts.has("socket_opens")) {
    return { ...check, id: OTHERWISE, paste: undefined };
  }
  return { area, state: "ok", saw: `${saw}; that is no fault, since ${WORDS[denial]}` };
}

/** The fact, the weightiest of those, that says the opposite. */
function rulingOut(id: FindingId, facts: Set<Fact>, rules: Rules): Fact | undefined {
  const against = rules[id].against ?? [];
  return (Object.keys(FACTS) as Fact[]).findLast((it) => against.includes(it) && facts.has(it));
}

function conclude(
  first: Check | undefined,
  checks: Check[],
): Pick<Verdict, "sentence" | "exitCode"> {
  if (first?.state === "failed") return { sentence: placed(first), exitCode: 1 };
  if (!checks.some(({ state, area }) => state === "ok" && area !== "name")) {
    return { sentence: "Nothing could be looked at. The lines below say why.", exitCode: 2 };
  }
  const blind = checks.find(({ state, blind }) => state === "skipped" && blind);
  if (blind) {
    const sentence = `Nothing wrong was found. But something could not be looked at: ${blind.saw}.`;
    return { sentence, exitCode: 2 };
  }
  const sentence = first
    ? `Nothing is broken. One thing to see to: ${sentenceOf(first)}`
    : "Everything that was looked at is well. No hop is in the way.";
  return { sentence, exitCode: 0 };
}

/** Where it breaks, if no hop is to blame. */
const PLACES: Record<Area, string> = {
  ...{ name: "at the address", upgrade: "at the upgrade", keys: "at the keys" },
  ...{ tenant: "at Realtime's tenant", channels: "on the open socket" },
  ...{ database: "in the database", relay: "at the relay", "env file": "in the env file" },
};

function placed(check: Check): string {
  const { id, hop } = check;
  const { area } = describe(id!);
  const says = sentenceOf(check);
  if (hop?.startsWith("unknown ")) return `Where it breaks is ${hop}. ${says}`;
  const place = hop?.replace(/^(?:what is behind|)/, (behind) => behind ? "behind" : "at ");
  return `It breaks ${place ?? PLACES[area]}. ${says}`;
}

/** Each finding once, as it was seen first, with what another sight of it has to paste. */
function unique(checks: Check[]): Check[] {
  const firsts = checks.filter(({ id }, at) => checks.findIndex((it) => it.id === id) === at);
  return firsts.map((first) => {
    const same = checks.filter(({ id }) => id === first.id);
    const paste = same.find(({ paste }) => paste?.length)?.paste ?? first.paste;
    return { ...first, paste };
  });
}
