import type { Answer } from "../../ask/receive.ts";
import type { FindingId } from "../../findings/mod.ts";

/** Cloudflare's own statuses: it answers, and what is behind it does not. */
const STATUSES: Record<number, FindingId> = {
  520: "origin_unreachable",
  521: "origin_unreachable",
  522: "origin_unreachable",
  523: "origin_unreachable",
  524: "origin_unreachable",
  525: "origin_tls",
  526: "origin_tls",
  527: "origin_unreachable",
};

/** Of 530, which the number in the body tells more about: 1033 is a tunnel, 1016 a name. */
const TUNNEL = /\b1033\b|Argo Tunnel error|Cloudflare Tunnel error/i;

/** What other tunnels say when nobody is at their other end. */
const TUNNELS_DOWN =
  /ERR_NGROK_(?:3200|3004|8012|727)\b|503 - Tunnel Unavailable|Tunnel Unavailable|no tunnel here|The endpoint \S{1,80} is offline/i;

/** What edges say that serve many names, of one that nobody told them of: Railway's is the JSON. */
const NO_SUCH_HOST =
  /^error code: 10(?:00|01|02|03|14|18|23)\b|Fastly error: unknown domain|<title>No such app<|There isn't a GitHub Pages site here|DEPLOYMENT_NOT_FOUND|^\{"status":"error","code":404,"message":"Application not found"|^Not Found - Request ID: |404 Web Site not found|^no-server\b|Container App is stopped or does not exist|find your Azure Front Door Service|cf-error-code">10(?:00|01|02|03|14|18|23)</;

/** The same of servers for development: Vite, webpack and Rails. */
const NO_SUCH_NAME =
  /^Blocked request\. This host \(|^Invalid Host(?:\/Origin)? header$|Blocked hosts?: /;

/** What edges say of a server that its owner, or a bill, has stopped: Azure's and Render's. */
const STOPPED = /^suspend\b|This web app is stopped/;

/** What an edge says of the server behind it; undefined where the answer is no such. */
export function readOrigin({ status, headers, body }: Answer): FindingId | undefined {
  if (TUNNELS_DOWN.test(`${headers.get("ngrok-error-code") ?? ""} ${body}`)) return "tunnel_down";
  const own = ["x-vercel-error", "x-render-routing"].map((name) => headers.get(name) ?? "");
  const said = [...own, body].join(" ").trim();
  if (status >= 400 && (NO_SUCH_HOST.test(said) || NO_SUCH_NAME.test(said))) return "host_unknown";
  if (status >= 400 && STOPPED.test(said)) return "origin_unreachable";
  // Of these the edge may pass on the server's own; its own names itself.
  const isEdge = /cloudflare/i.test(headers.get("server") ?? "") &&
    /^error code: 50[0-4]\b|cloudflare/i.test(body);
  if (isEdge && status >= 502 && status <= 504) return "origin_unreachable";
  if (status === 530) return TUNNEL.test(body) ? "tunnel_down" : "origin_unreachable";
  return STATUSES[status];
}

/** Platforms of sites, whose rewrites ask another server by plain requests. */
export const isSite = ({ headers }: Answer): boolean =>
  /^(?:vercel|netlify)\b/i.test(headers.get("server") ?? "");
