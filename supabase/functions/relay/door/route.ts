import { RelayError } from "../errors.ts";

/** What a request asks for. */
export type Route =
  | { kind: "socket" | "health" | "metrics" | "preflight" }
  | { kind: "broadcast"; topic?: string; event?: string };

/** Said of a path that is not served, and of one that is not for everybody. */
export const NOT_FOUND = "The relay does not serve this path.";

/** Gateways strip or keep what stands before /relay, so anything may. */
const PATH =
  /^.*?\/relay(\/websocket|\/health|\/metrics|\/api\/broadcast(\/([^/]+)\/events\/([^/]+))?)?\/?$/;

/** Finds the route of a request. Throws `not_found`, `method_not_allowed` or `bad_request`. */
export function routeOf(method: string, path: string): Route {
  const match = PATH.exec(path);
  if (!match) throw new RelayError("not_found", NOT_FOUND);
  const [, rest = "", , topic, event] = match;
  // Whoever may not read them is told nothing of it, nor of its methods.
  if (rest === "/metrics") return { kind: "metrics" };
  if (method === "OPTIONS") return { kind: "preflight" };
  // Monitors ask for the head alone, whose body the host leaves out.
  if (method === "HEAD" && rest === "/health") return { kind: "health" };
  const posts = rest.startsWith("/api/");
  if (method !== (posts ? "POST" : "GET")) {
    throw new RelayError("method_not_allowed", "The relay does not serve this method here.");
  }
  if (!posts) return { kind: rest === "/health" ? "health" : "socket" };
  return { kind: "broadcast", topic: decode(topic), event: decode(event) };
}

function decode(part: string | undefined): string | undefined {
  if (part === undefined) return undefined;
  try {
    const text = decodeURIComponent(part);
    if (text !== "." && text !== "..") return text;
  } catch {
    // Not UTF-8: no more a name than the dots, which a URL takes for folders however written.
  }
  throw new RelayError("bad_request", "The path does not hold a topic and an event.");
}
