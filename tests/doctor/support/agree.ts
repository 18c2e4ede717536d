/** A Realtime that says yes to everything, and of changes nothing. */
export function agree(socket: WebSocket): void {
  socket.onmessage = ({ data }) => {
    const { topic, event, ref } = JSON.parse(data);
    const payload = { status: "ok", response: {} };
    const send = (frame: object) => socket.send(JSON.stringify({ topic, payload, ...frame }));
    send(event === "broadcast" ? { event } : { event: "phx_reply", ref });
    if (event === "phx_join") send({ event: "system" });
  };
}
