/** About one connection, not about the request (RFC 9110, 7.6.1). */
const HOP_BY_HOP = [
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"],
  ...["te", "trailer", "transfer-encoding", "upgrade"],
];

/** Who asked, and how: only the relay says so. */
const FORWARDING =
  /^(?:forwarded|via|x-forwarded-.*|x-real-ip|x-client-ip|true-client-ip|cf-.*|sb-.*)$/;

/** Of the project's own host, and would be of the relay's. */
const HOST_BOUND = ["strict-transport-security", "alt-svc", "public-key-pins"];

/** Header lines as they came: names and values in turn. */
export type Lines = readonly string[];

export interface Caller {
  /** The client's address, where a trusted proxy or the connection tells it. */
  address: string | undefined;
  /** By which the client asked. */
  host: string;
  protocol: string;
}

/** Cookies that the project has set, by name; others of the relay's name are none of its business. */
export class Cookies {
  readonly #names = new Set<string>();

  /** Bounded: a project sets a few. */
  note(name: string): void {
    if (this.#names.size < 1_000) this.#names.add(name);
  }

  /** Of a Cookie header what is for the project; undefined for nothing. */
  forProject(header: string): string | undefined {
    const own = header.split(";").map((pair) => pair.trim()).filter((pair) => {
      const [name] = pair.split("=", 1);
      // Those of its gateway and of Auth, which an earlier process may have passed on.
      return this.#names.has(name) || /^(?:__cf|_cfuvid$|sb-)/.test(name);
    });
    return own.length > 0 ? own.join("; ") : undefined;
  }
}

/** The headers of a request as the project gets them, in their order and spelling. */
export function towardsProject(
  lines: Lines,
  project: URL,
  { address, host, protocol }: Caller,
  cookies: Cookies,
): [string, string][] {
  const dropped = new Set([...HOP_BY_HOP, ...namedByConnection(lines), "host", "cookie"]);
  const kept = pairsOf(lines).filter(([name]) => {
    const small = name.toLowerCase();
    return !dropped.has(small) && !FORWARDING.test(small);
  });
  const cookie = pairsOf(lines).filter(([name]) => name.toLowerCase() === "cookie")
    .map(([, value]) => cookies.forProject(value)).filter((it) => it !== undefined).join("; ");
  return [
    ["host", project.host],
    ...kept,
    ...(cookie ? [["cookie", cookie] as [string, string]] : []),
    ...(address ? [["x-forwarded-for", address] as [string, string]] : []),
    ["x-forwarded-host", host],
    ["x-forwarded-proto", protocol],
  ];
}

/** The headers of an answer as the client gets them. */
export function towardsClient(
  lines: Lines,
  project: URL,
  hasPages: boolean,
  cookies: Cookies,
): [string, string][] {
  const dropped = new Set([...HOP_BY_HOP, ...namedByConnection(lines), ...HOST_BOUND]);
  if (hasPages) { for (const name of Object.keys(SANDBOX)) dropped.add(name); }
  const kept = pairsOf(lines).filter(([name]) => !dropped.has(name.toLowerCase()));
  const rewritten = kept.map(([name, value]): [string, string] => {
    const small = name.toLowerCase();
    if (small === "location" || small === "content-location") {
      return [name, locationOf(value, project)];
    }
    if (small === "set-cookie") return [name, cookieOf(value, project, cookies)];
    return [name, value];
  });
  return hasPages ? [...rewritten, ...Object.entries(SANDBOX)] : rewritten;
}

/** A page of a stranger's may not act as one of this name. */
const SANDBOX = { "content-security-policy": "sandbox", "x-content-type-options": "nosniff" };

/** An address of the project's own is one of the relay's: without its origin it is that of whoever asked. */
function locationOf(value: string, project: URL): string {
  const url = URL.parse(value, project);
  if (!url || url.host !== project.host || !/^(?:[a-z]+:)?\/\//i.test(value)) return value;
  const path = url.pathname + url.search + url.hash;
  // Two slashes would begin another host (URL standard, 4.5).
  return path.startsWith("//") ? `/.${path}` : path;
}

/** A cookie without a domain is the relay's alone. */
function cookieOf(value: string, project: URL, cookies: Cookies): string {
  const [pair, ...attributes] = value.split(";");
  cookies.note(pair.split("=", 1)[0].trim());
  const kept = attributes.filter((attribute) => {
    const [name, domain = ""] = attribute.trim().split("=");
    return name.toLowerCase() !== "domain" ||
      !`.${project.hostname}`.endsWith(`.${domain.trim().replace(/^\./, "").toLowerCase()}`);
  });
  return [pair, ...kept].join(";");
}

/** But for what says where a body ends: without it the rest would be the next request. */
function namedByConnection(lines: Lines): string[] {
  return pairsOf(lines).filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.split(",").map((it) => it.trim().toLowerCase()))
    .filter((name) => name !== "content-length");
}

function pairsOf(lines: Lines): [string, string][] {
  return Array.from({ length: lines.length / 2 }, (_, n) => [lines[2 * n], lines[2 * n + 1]]);
}
