const TEXT = `Realtime Relay, local stack

/functions/v1/relay            the relay: point supabase-js at it
/functions/v1/relay/health     what it says about itself
/functions/v1/redirect/<slug>  opens a short link, and counts the click
/rest/v1  /auth/v1             PostgREST's and Auth's API
/realtime/v1/websocket         Realtime, without the relay
`;

/** The same for a project, whose functions have these names. */
export function projectPage(names: Iterable<string>) {
  const paths = ["/functions/v1/relay", ...[...names].map((name) => `/functions/v1/${name}`)];
  const text = [
    ...["The local stack", "", "/rest/v1  /auth/v1  /storage/v1", "/realtime/v1/websocket"],
    ...new Set(paths),
  ].join("\n");
  return (request: Request): Promise<Response> => answer(request, `${text}\n`);
}

/** What is here, for whoever opens the origin while there is no page. */
export const frontPage = (request: Request): Promise<Response> => answer(request, TEXT);

function answer(request: Request, text: string): Promise<Response> {
  const found = new URL(request.url).pathname === "/";
  return Promise.resolve(
    found ? new Response(text) : new Response("Nothing is here.\n", { status: 404 }),
  );
}
