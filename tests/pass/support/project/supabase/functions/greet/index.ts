const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "authorization, x-client-info, apikey, content-type",
};

Deno.serve(async (request) => {
  if (request.method === "OPTIONS") return new Response("ok", { headers: CORS });
  if (new URL(request.url).pathname === "/greet/events") return events();
  const { name } = await request.json();
  return Response.json({ hello: name }, { headers: CORS });
});

/** The second comes a moment after the first. */
function events(): Response {
  let timer: ReturnType<typeof setTimeout>;
  const body = new ReadableStream<string>({
    start(controller) {
      controller.enqueue("data: 1\n\n");
      timer = setTimeout(() => {
        controller.enqueue("data: 2\n\n");
        controller.close();
      }, 200);
    },
    cancel: () => clearTimeout(timer),
  });
  const headers = { ...CORS, "content-type": "text/event-stream" };
  return new Response(body.pipeThrough(new TextEncoderStream()), { headers });
}
