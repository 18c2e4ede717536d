import type { Fixes } from "./mod.ts";

export const caddy: Fixes = {
  route: `# handle keeps the path, handle_path cuts it off; reverse_proxy passes upgrades by itself
handle /realtime/v1/* {
  reverse_proxy 127.0.0.1:8000
}`,
  host: `reverse_proxy 127.0.0.1:4000 {
  header_up Host realtime-dev.localhost
}`,
  timeouts:
    `# Caddy cuts no idle socket by itself: take stream_timeout, and read_timeout of the transport, out
reverse_proxy 127.0.0.1:8000 {
  # 2.7 or newer, so that a reload does not cut all sockets at once:
  # stream_close_delay 5m
}`,
};
