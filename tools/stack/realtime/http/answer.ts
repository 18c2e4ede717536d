/** HTTP answers with the headers of the original. */

/** JSON, with `more` headers. */
export function json(status: number, body: unknown, more: Record<string, string> = {}): Response {
  const headers = { "content-type": "application/json; charset=utf-8", ...more };
  return new Response(JSON.stringify(body), { status, headers });
}

/** The words of a status alone, as an error page. */
export function page(status: number, words: string): Response {
  return new Response(words, { status, headers: { "content-type": "text/html; charset=utf-8" } });
}

/** Words without a type, as the web server below the application says them. */
export function bare(status: number, words = ""): Response {
  return new Response(new TextEncoder().encode(words), { status });
}
