import type { Fixes } from "../fixes.ts";

export const caddy: Fixes = {
  route: ({ gateway, prefix, path }) =>
    `# handle keeps the path, handle_path cuts it off; reverse_proxy passes upgrades by itself
handle ${prefix}${path}* {${prefix && `\n  uri strip_prefix ${prefix}`}
  reverse_proxy ${gateway}
}`,
  host: () =>
    `reverse_proxy 127.0.0.1:4000 {
  header_up Host realtime-dev.localhost
}`,
  timeouts: ({ gateway }) =>
    `# Caddy cuts no idle socket by itself: take stream_timeout, and read_timeout of the transport, out
reverse_proxy ${gateway} {
  # 2.7 or newer, so that a reload does not cut all sockets at once:
  # stream_close_delay 5m
}`,
  password: ({ prefix, path }) =>
    `# then: basic_auth @people { … }, with the users that are there now
@people not path ${prefix}${path}*`,
  file: "deploy/proxies/Caddyfile",
};
