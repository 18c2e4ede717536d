/** The same relay on Node and the package ws: `ws.cjs <upstream URL>`. */
const { WebSocket, WebSocketServer } = require("ws");

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 }, () => {
  console.log(JSON.stringify({ event: "listening", port: server.address().port }));
});
server.on("connection", (socket) => {
  const upstream = new WebSocket(process.argv[2], { perMessageDeflate: false });
  upstream.on("open", () => {
    socket.on("message", (data, binary) => upstream.send(data, { binary }));
  });
  upstream.on("message", (data, binary) => socket.send(data, { binary }));
  upstream.on("error", (error) => console.error(error.message));
  upstream.on("close", () => socket.close());
  socket.on("error", (error) => console.error(error.message));
  socket.on("close", () => upstream.close());
});
