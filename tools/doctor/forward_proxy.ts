import { isHere } from "./ask/home.ts";

type Environment = Record<string, string | undefined>;

/**
 * The variable that sends programs to a URL through a forward proxy, as curl reads them; undefined where
 * none does. Its value may hold a password.
 */
export function forwardProxyFor({ protocol, hostname }: URL, env: Environment): string | undefined {
  if (isHere(hostname) || isExempt(hostname, env.no_proxy ?? env.NO_PROXY ?? "")) return undefined;
  return [`${protocol.slice(0, -1)}_proxy`, "all_proxy"]
    .flatMap((name) => [name, name.toUpperCase()]).find((name) => env[name]?.trim());
}

/** A list of hosts, each of which stands for the names below it too. */
const isExempt = (hostname: string, list: string): boolean =>
  list.split(/[\s,]+/).map((it) => it.replace(/^\*?\./, "")).some((it) =>
    it === "*" || it !== "" && (hostname === it || hostname.endsWith(`.${it}`))
  );
