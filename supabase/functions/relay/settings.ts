import { z } from "zod";
import { isSecretKey } from "./keys.ts";

const items = z.string().transform((text) =>
  text.split(",").map((item) => item.trim()).filter(Boolean)
);
const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: "custom", message: "not JSON" });
    return z.NEVER;
  }
});
const publicKey = z.string().refine((key) => !isSecretKey(key));
const keyList = z.array(z.looseObject({ kty: z.string() }));
const origin = z.string().regex(/^(\*|null|https?:\/\/(\*\.)?[^/*\s]+)$/);
const pattern = z.string().regex(/^[^*]*\*?$/).min(1);
const policy = z.record(
  z.string(),
  z.strictObject({
    topics: z.array(pattern).optional(),
    tables: z.array(pattern).optional(),
    readOnly: z.boolean().optional(),
    privateOnly: z.boolean().optional(),
  }),
);
const whole = z.string().regex(/^\d+$/).transform(Number);
const number = <Initial extends number | undefined>(
  min: number,
  max: number,
  initial: Initial,
  unit: string,
) =>
  whole.pipe(z.number().min(min).max(max)).optional().transform((value) => value ?? initial).meta({
    wants: `${unit} from ${min} to ${max}`,
  });

/** Every variable that the relay reads; docs/CONFIGURATION.md describes them. */
export const SETTINGS = z.object({
  SUPABASE_URL: z.url({ protocol: /^https?$/ })
    .meta({ wants: "the project's URL, such as https://abc.supabase.co" }),
  SUPABASE_PUBLISHABLE_KEYS: json.pipe(z.record(z.string(), publicKey))
    .optional()
    .meta({ wants: 'a JSON map of publishable keys such as {"default":"…"}', hidden: true }),
  SUPABASE_PUBLISHABLE_KEY: publicKey.optional()
    .meta({ wants: "a publishable key, never a secret key", hidden: true }),
  SUPABASE_ANON_KEY: publicKey.optional()
    .meta({ wants: "the anon key, never the service_role key", hidden: true }),
  SUPABASE_JWKS: json
    .pipe(z.union([z.looseObject({ keys: keyList }), keyList.transform((keys) => ({ keys }))]))
    .optional().meta({ wants: 'a JWK set such as {"keys":[…]}', hidden: true }),
  RELAY_JWT_SECRET: z.string().optional(),
  JWT_SECRET: z.string().optional(),
  RELAY_ANONYMOUS: z.enum(["allow", "refuse"]).default("refuse").meta({ wants: "allow or refuse" }),
  RELAY_SHARE: z.enum(["anonymous", "off"]).default("anonymous").meta({
    wants: "anonymous or off",
  }),
  RELAY_ISSUER: items.default([]),
  RELAY_AUDIENCE: items.pipe(z.array(z.string()).min(1)).default(["authenticated"])
    .meta({ wants: "audiences, separated by commas" }),
  RELAY_ORIGINS: items.pipe(z.array(origin).min(1)).default(["*"])
    .meta({
      wants: "* or origins such as https://example.com,https://*.example.com",
    }),
  RELAY_ABSENT_ORIGIN: z.enum(["allow", "refuse"]).default("allow")
    .meta({ wants: "allow or refuse" }),
  RELAY_ROLES: items.pipe(z.array(z.string()).min(1)).default(["*"])
    .meta({ wants: "* or roles, separated by commas" }),
  RELAY_POLICY: json.pipe(policy).default({}).meta({
    wants: 'JSON such as {"anon":{"topics":["clicks:*"],"tables":["public.*"],"readOnly":true}}',
  }),
  RELAY_TRUSTED_PROXIES: number(0, 16, 0, "a number"),
  RELAY_MAX_SOCKETS: number(1, 1_000_000, undefined, "a number"),
  // Tabs and devices of one person; a leaked token opens no more.
  RELAY_MAX_SOCKETS_PER_USER: number(1, 1_000_000, 50, "a number"),
  // An office or a mobile network behind one address.
  RELAY_MAX_SOCKETS_PER_ADDRESS: number(1, 1_000_000, 200, "a number"),
  RELAY_HANDSHAKES_PER_MINUTE: number(1, 1_000_000, 300, "a number"),
  // Realtime itself stops at 100 events a second; the burst bounds what a worker may be made to parse.
  RELAY_FRAMES_PER_SECOND: number(1, 1_000_000, 500, "a number"),
  RELAY_FRAME_BURST: number(1, 1_000_000, 20_000, "a number"),
  // Realtime closes a socket that sends more.
  RELAY_MAX_FRAME_BYTES: number(1_024, 1 << 30, 5_000_000, "bytes"),
  // Realtime's own bound on the channels of a socket.
  RELAY_MAX_JOINS: number(1, 10_000, 100, "a number"),
  // A socket that never joins holds a place for nothing; realtime-js joins at once.
  RELAY_JOIN_TIMEOUT_MS: number(100, 3_600_000, 60_000, "milliseconds"),
  // How long the relay speaks for a browser that throttles a background tab.
  RELAY_MAX_SILENCE_S: number(1, 86_400, 180, "seconds"),
  // Container hosts kill 10 s after SIGTERM.
  RELAY_DRAIN_MS: number(0, 600_000, 8_000, "milliseconds"),
  RELAY_HOST: z.string().default("0.0.0.0"),
  PORT: number(0, 65_535, 8787, "a port"),
  // Long enough that a client which reconnects at once for ever makes 4 attempts in 40 s, not 14.
  RELAY_REFUSAL_DELAY_MS: number(0, 60_000, 10_000, "milliseconds"),
  // A waiting refusal costs a socket's memory, so their number is bounded.
  RELAY_REFUSAL_MAX: number(0, 100_000, 256, "a number"),
  // Realtime waits 2 s before it refuses, so a shorter wait would hide its answer.
  RELAY_DIAL_TIMEOUT_MS: number(100, 60_000, 10_000, "milliseconds"),
  // Three of Realtime's largest frames (5 MB); a worker has 256 MB for all its sockets.
  RELAY_MAX_UNSENT_BYTES: number(65_536, 1 << 30, 16 << 20, "bytes"),
});

/** What readConfig() gets from a right environment. */
export type Settings = z.infer<typeof SETTINGS>;
