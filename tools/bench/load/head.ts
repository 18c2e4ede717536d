/** A client's request for an upgrade, with further header lines. */
export function headOf(path: string, host: string, headers: string[] = []): string {
  return [
    ...[`GET ${path} HTTP/1.1`, `Host: ${host}`, "Upgrade: websocket", "Connection: Upgrade"],
    ...["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"],
    ...[...headers, "", ""],
  ].join("\r\n");
}
