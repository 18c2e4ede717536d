/** What the documentation of Traefik and Kong names, as far as files here use it. */
import { z } from "zod";

/** What Traefik takes as a time: a number of seconds, or units. */
const duration = z.union([z.number().int(), z.string().regex(/^(\d+(ms|s|m|h))+$/)]);
const mode = z.enum(["keep", "redact", "drop"]);
const address = z.string().regex(/^[^:]*:\d+$/);
const httpUrl = z.url({ protocol: /^https?$/ });

/** https://doc.traefik.io/traefik/reference/install-configuration/configuration-options/ */
export const traefikStatic = z.strictObject({
  entryPoints: z.record(
    z.string(),
    z.strictObject({
      address,
      http: z.strictObject({ tls: z.strictObject({ certResolver: z.string() }) }).optional(),
      transport: z.strictObject({
        respondingTimeouts: z.strictObject({
          readTimeout: duration,
          writeTimeout: duration,
          idleTimeout: duration,
        }).partial(),
      }).optional(),
    }),
  ),
  certificatesResolvers: z.record(
    z.string(),
    z.strictObject({
      acme: z.strictObject({
        email: z.email(),
        storage: z.string(),
        tlsChallenge: z.strictObject({}),
      }),
    }),
  ),
  providers: z.strictObject({ file: z.strictObject({ filename: z.string() }) }),
  accessLog: z.strictObject({
    format: z.enum(["common", "json"]),
    fields: z.strictObject({
      defaultMode: mode,
      names: z.record(z.string(), mode),
      headers: z.strictObject({ defaultMode: mode }),
    }),
  }),
});

/** Matchers of version 3, each with its arguments in backticks, joined by && and negated by !. */
const MATCHER = "!?(Host|PathPrefix|PathRegexp|Header|HeaderRegexp)\\(`[^`]+`(, `[^`]+`)?\\)";
const rule = z.string().regex(new RegExp(`^${MATCHER}( && ${MATCHER})*$`));

/** https://doc.traefik.io/traefik/reference/routing-configuration/dynamic-configuration-methods/ */
export const traefikHttp = z.strictObject({
  routers: z.record(
    z.string(),
    z.strictObject({
      entryPoints: z.array(z.string()).min(1).optional(),
      rule,
      middlewares: z.array(z.string()).optional(),
      service: z.string(),
    }),
  ),
  middlewares: z.record(
    z.string(),
    z.strictObject({
      redirectScheme: z.strictObject({ scheme: z.literal("https"), permanent: z.boolean() }),
      headers: z.strictObject({ customRequestHeaders: z.record(z.string(), z.string()) }),
    }).partial(),
  ),
  services: z.record(
    z.string(),
    z.strictObject({
      loadBalancer: z.strictObject({
        passHostHeader: z.boolean().optional(),
        servers: z.array(z.strictObject({ url: httpUrl })).min(1),
      }),
    }),
  ),
});

/** Milliseconds, as Kong bounds them. */
const ms = z.number().int().min(1).max(2 ** 31 - 2);

/** https://developer.konghq.com/gateway/entities/, of services, routes and certificates */
const kongRoute = z.strictObject({
  name: z.string(),
  hosts: z.array(z.string()).min(1),
  paths: z.array(z.string().startsWith("/")).min(1),
  protocols: z.array(z.enum(["http", "https"])).min(1),
  strip_path: z.boolean(),
  preserve_host: z.boolean(),
  response_buffering: z.boolean().optional(),
});

const kongService = z.strictObject({
  name: z.string(),
  url: httpUrl,
  read_timeout: ms.optional(),
  write_timeout: ms.optional(),
  routes: z.array(kongRoute),
});

/** A service of which only some fields are told. */
export const kongServicePart = kongService.extend({ routes: z.array(kongRoute.partial()) })
  .partial();

export const kong = z.strictObject({
  _format_version: z.enum(["1.1", "2.1", "3.0"]),
  certificates: z.array(z.strictObject({
    cert: z.string(),
    key: z.string(),
    snis: z.array(z.strictObject({ name: z.string() })),
  })),
  services: z.array(kongService),
});
