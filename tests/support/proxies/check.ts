import { join } from "node:path";
import { ownPort } from "./ports.ts";
import { findProxy, type Place, type ProxyName } from "./start.ts";

const ARGUMENTS: Record<ProxyName, (file: string, directory: string) => string[]> = {
  nginx: (file, directory) => ["-t", "-p", directory, "-c", file, "-e", "stderr"],
  caddy: (file) => ["validate", "--config", file, "--adapter", "caddyfile"],
  haproxy: (file) => ["-c", "-f", file],
  apache: (
    file,
    directory,
  ) => ["-t", "-d", directory, "-f", file, "-C", `DefaultRuntimeDir ${directory}`],
};

/** What the proxy's own check says about a configuration: undefined if it is good, without a warning. */
export async function checkSyntax(
  name: ProxyName,
  configure: (place: Place) => string,
): Promise<string | undefined> {
  const directory = await Deno.makeTempDir({ prefix: `realtime-relay-${name}-` });
  try {
    const file = join(directory, "proxy.conf");
    await Deno.writeTextFile(file, configure({ port: ownPort(), directory }) + "\n");
    const { code, stdout, stderr } = await new Deno.Command(findProxy(name)!, {
      args: ARGUMENTS[name](file, directory),
      env: { HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
    }).output();
    const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    return code === 0 && !/\[(warn|warning|alert)\]/i.test(said) ? undefined : said;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
