/** What a request's body is, and what its answer may be, as its headers say. */

/** Without a type a body is not read, and neither is one of another. */
export type Media = "json" | "raw" | "none" | "other";

export function typeOf(request: Request): Media {
  const type = request.headers.get("content-type")?.split(";")[0].trim().toLowerCase();
  if (type === "application/json") return "json";
  if (type === "application/octet-stream") return "raw";
  return type === undefined ? "none" : "other";
}

/** Whether a list is JSON, whose kinds count too. */
export function isJsonList(request: Request): boolean {
  const type = request.headers.get("content-type")?.split(";")[0].trim();
  return /^application\/(?:json|[^/]+\+json)$/i.test(type ?? "");
}

/** Whether an answer in JSON is accepted; without the header it is. */
export function acceptsJson(request: Request): boolean {
  const accept = request.headers.get("accept");
  if (accept === null || accept.includes("*/*")) return true;
  return accept.split(",").some((one) => /^\s*application\/(?:json|\*)\s*(?:;|$)/i.test(one));
}
