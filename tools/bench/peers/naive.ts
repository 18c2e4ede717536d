/**
 * The relay of the platform's documentation on WebSockets in Edge Functions, for comparison: it
 * checks nothing and bounds nothing. `naive.ts <upstream URL>`
 */
const [upstreamUrl] = Deno.args;
const onListen = ({ port }: { port: number }) =>
  console.log(JSON.stringify({ event: "listening", port }));

Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, (request) => {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return new Response("request isn't trying to upgrade to websocket.", { status: 400 });
  }
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onopen = () => {
    const upstream = new WebSocket(upstreamUrl);
    upstream.onopen = () => {
      socket.onmessage = ({ data }) => upstream.readyState === 1 && upstream.send(data);
    };
    upstream.onmessage = ({ data }) => socket.send(data);
    upstream.onerror = (event) => console.log("upstream error", event);
    upstream.onclose = () => socket.close();
    socket.onclose = () => upstream.close();
  };
  socket.onerror = (event) => console.log("socket error", event);
  return response;
});
