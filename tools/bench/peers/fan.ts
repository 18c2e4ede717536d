/**
 * The least that sending one frame to many sockets costs on Deno: no protocol, no bounds, no log. It
 * is the hub's lower limit. `fan.ts <upstream URL>`
 */
const [upstreamUrl] = Deno.args;
const viewers = new Set<WebSocket>();
let upstream: WebSocket | undefined;
const onListen = ({ port }: { port: number }) =>
  console.log(JSON.stringify({ event: "listening", port }));

function watch(): void {
  if (upstream && upstream.readyState <= WebSocket.OPEN) return;
  upstream = new WebSocket(upstreamUrl);
  upstream.onmessage = ({ data }) => viewers.forEach((viewer) => viewer.send(data));
}

Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onopen = () => {
    viewers.add(socket);
    watch();
  };
  socket.onmessage = () => {
    socket.send('["1","1","realtime:clicks","phx_reply",{"status":"ok","response":{}}]');
    socket.send('["1",null,"realtime:clicks","system",{"status":"ok"}]');
  };
  socket.onclose = () => viewers.delete(socket);
  return response;
});
