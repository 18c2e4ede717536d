import type { Fixes } from "./mod.ts";

export const caddy: Fixes = {
  route: `# handle keeps the path, handle_path cuts it off; reverse_proxy passes upgrades by itself
handle /realtime/v1/* {
  reverse_proxy 127.0.0.1:8000
}`,
  host: `reverse_proxy 127.0.0.1:4000 {
  header_up Host realtime-dev.localhost
}`,
  timeouts: `reverse_proxy 127.0.0.1:8000 {
  stream_timeout 24h
  stream_close_delay 5m
}`,
};
