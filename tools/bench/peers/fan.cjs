/** The same on Node and the package ws: `fan.cjs <upstream URL>`. */
const { WebSocket, WebSocketServer } = require("ws");

const viewers = new Set();
let upstream;
const server = new WebSocketServer({ host: "127.0.0.1", port: 0 }, () => {
  console.log(JSON.stringify({ event: "listening", port: server.address().port }));
});

function watch() {
  if (upstream && upstream.readyState <= WebSocket.OPEN) return;
  upstream = new WebSocket(process.argv[2], { perMessageDeflate: false });
  upstream.on("error", (error) => console.error(error.message));
  upstream.on("message", (data, binary) => {
    for (const viewer of viewers) viewer.send(data, { binary });
  });
}

server.on("connection", (socket) => {
  viewers.add(socket);
  watch();
  socket.on("message", () => {
    socket.send('["1","1","realtime:clicks","phx_reply",{"status":"ok","response":{}}]');
    socket.send('["1",null,"realtime:clicks","system",{"status":"ok"}]');
  });
  socket.on("error", (error) => console.error(error.message));
  socket.on("close", () => viewers.delete(socket));
});
