const TEXT = `Realtime Relay, local stack

/functions/v1/relay            the relay: point supabase-js at it
/functions/v1/relay/health     what it says about itself
/functions/v1/redirect/<slug>  opens a short link, and counts the click
/rest/v1  /auth/v1             PostgREST's and Auth's API
/realtime/v1/websocket         Realtime, without the relay
`;

/** What is here, for whoever opens the origin while there is no page. */
export function frontPage(request: Request): Promise<Response> {
  const found = new URL(request.url).pathname === "/";
  return Promise.resolve(
    found ? new Response(TEXT) : new Response("Nothing is here.\n", { status: 404 }),
  );
}
