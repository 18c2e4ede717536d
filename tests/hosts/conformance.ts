import { checks, checksEnv } from "./support/conformance/checks.ts";
import { closings } from "./support/conformance/closings.ts";
import { credentials } from "./support/conformance/credentials.ts";
import { firstJoin } from "./support/conformance/first_join.ts";
import { frames } from "./support/conformance/frames.ts";
import { http, misconfigured, wrongEnv } from "./support/conformance/http.ts";
import { limits, limitsEnv } from "./support/conformance/limits.ts";
import { metrics } from "./support/conformance/metrics.ts";
import { sharing, sharingEnv } from "./support/conformance/sharing.ts";
import { TOKEN_ENV } from "../support/metrics.ts";
import type { Sentences } from "./support/conformance/stage.ts";

/** Sentences that share a relay, which is started with this environment. */
export interface Chapter {
  environment: Record<string, string>;
  sentences: Sentences;
}

/**
 * What holds wherever the relay runs. Sentences of a chapter are proved one after the other; each
 * leaves no socket behind.
 */
export const chapters: Chapter[] = [
  {
    // Long enough for a join to be answered meanwhile.
    environment: { RELAY_REFUSAL_DELAY_MS: "1000", ...TOKEN_ENV },
    sentences: { ...credentials, ...firstJoin, ...http, ...metrics, ...frames, ...closings },
  },
  { environment: limitsEnv, sentences: limits },
  { environment: checksEnv, sentences: checks },
  { environment: sharingEnv, sentences: sharing },
  { environment: wrongEnv, sentences: misconfigured },
];
